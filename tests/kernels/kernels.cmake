# On a processor that is only emulated: skips where bochscpu-python is not installed.
python_test(kernels_emulated kernels/test_emulated.py ${CMAKE_C_COMPILER} ${PROJECT_SOURCE_DIR}/src "$<TARGET_OBJECTS:ink_kernels>")
