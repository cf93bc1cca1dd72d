# cmake -DIN=FILE -DOUT=FILE -P bytes.cmake: the bytes of a file as a comma-separated list.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "${hex}")
