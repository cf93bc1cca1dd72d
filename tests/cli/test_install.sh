# Installing into a folder of its own, and building the examples against it: pkg-config and CMake, shared and static.
. "$(dirname "$0")/lib.sh"
[ -n "$BUILD" ] || { echo "SKIP: no build folder given" && exit 77; }
[ -z "$SANITIZE" ] || { echo "SKIP: a build with sanitizers is not for installing" && exit 77; }
export PKG_CONFIG_PATH

check() { # what is done, command...
  last=$1
  shift
  "$@" >out 2>err </dev/null
  status=$?
  expect_status 0
}

check "ninja all" cmake --build "$BUILD" --target inkstone_static inkstone_shared inkstone_pages
check "cmake --install" cmake --install "$BUILD" --prefix "$folder/first"
mv first second # whatever is in it does not care where it is
prefix=$folder/second
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name inkstone.pc)")
library=$(dirname "$PKG_CONFIG_PATH")
for file in bin/inkstone include/inkstone.h share/man/man1/inkstone.1 share/man/man1/inkstone-train.1 \
  share/man/man1/inkstone-tokenizer-encode.1 share/man/zh_CN/man1/inkstone-train.1 share/bash-completion/completions/inkstone \
  share/zsh/site-functions/_inkstone share/fish/vendor_completions.d/inkstone.fish; do expect_file "$prefix/$file"; done
for file in libinkstone.a libinkstone.so libinkstone.so.0 cmake/inkstone/inkstoneConfig.cmake; do expect_file "$library/$file"; done
check "the installed command" "$prefix/bin/inkstone" --version

# Nothing but the names of inkstone.h is to be seen, in either library.
nm -D --defined-only "$library/libinkstone.so" | awk '$2 ~ /[A-Z]/ { print $3 }' | grep -v '^ink_' >strangers
nm -g --defined-only "$library/libinkstone.a" | awk 'NF == 3 { print $3 }' | grep -v '^ink_' >>strangers
[ ! -s strangers ] || flunk "names that are not ink_...: $(head -n 5 strangers | tr '\n' ' ')"
sed -n 's/^INK_API .*\(ink_[a-z_]*\)(.*/\1/p' "$SOURCE/include/inkstone.h" | sort -u >promised
[ "$(wc -l <promised)" -gt 20 ] || flunk "too few functions were looked for"
nm -D --defined-only "$library/libinkstone.so" | awk '{ print $3 }' | sort -u >given
comm -23 promised given | grep . && flunk "inkstone.h promises what the library lacks"
# The symbols file of the Debian package says in which version each function came: a new one is a line there.
sed -n 's/^ \(ink_[a-z_]*\)@Base [0-9.]*$/\1/p' "$SOURCE/packaging/debian/symbols" | sort >listed
cmp -s promised listed || flunk "packaging/debian/symbols: $(diff promised listed | grep '^[<>]' | tr '\n' ' ')"

text_of 300 >text
last="train a small model"
"$prefix/bin/inkstone" train write text -o model --size nano --tokenizer byte --context 32 --batch 4 --steps 8 \
  --sample-tokens 0 -q </dev/null || flunk "training"

try_example() { # program
  check "$1" env LD_LIBRARY_PATH="$library" "$1" model "The moon"
  expect_out "The moon"
  env LD_LIBRARY_PATH="$library" "$1" nowhere "The moon" >out 2>err
  status=$?
  expect_failure "nowhere"
}
cc=${CC:-cc}
check "pkg-config, shared" $cc "$SOURCE/examples/write.c" $(pkg-config --cflags --libs inkstone) -o with_shared
try_example ./with_shared
# -l:libinkstone.a takes the static one where both are
check "pkg-config, static" $cc "$SOURCE/examples/write.c" $(pkg-config --cflags inkstone) \
  $(pkg-config --static --libs inkstone | sed 's/-linkstone/-l:libinkstone.a/') -o with_static
ldd with_static | grep -q libinkstone && flunk "the static example wants the shared library"
try_example ./with_static
check "cmake" cmake -G Ninja -S "$SOURCE/examples" -B built -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc"
check "cmake --build" cmake --build built
try_example built/write
try_example built/write_static
# as C++ sees it
if command -v c++ >/dev/null 2>&1; then
  printf '#include <inkstone.h>\nint main() { return ink_version()[0] == 0; }\n' >version.cpp
  check "C++" c++ version.cpp $(pkg-config --cflags --libs inkstone) -o version
fi
finish
