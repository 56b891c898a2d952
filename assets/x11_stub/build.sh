#!/bin/sh
# Builds libX11stub_<machine>.so for this machine: one empty function for every X symbol that panda3d's software
# renderer links. Run it again when panda3d is updated. Needs gcc and binutils.
#     sh assets/x11_stub/build.sh .venv/bin/python
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$("$1" -c "import panda3d, pathlib; print(pathlib.Path(panda3d.__file__).parent / 'libp3tinydisplay.so')")
{
  echo "/* Every X symbol that libp3tinydisplay.so of panda3d links, doing nothing: offscreen it calls none of them. */"
  nm -D --undefined-only "$library" | awk '{print $2}' | grep -E '^_?X[A-Za-z]' | sort |
    sed 's/.*/int &(void) { return 0; }/'
} > "$here/stub.c"
gcc -Os -s -shared -fPIC -nostdlib -Wl,-soname,libX11.so.6 -o "$here/libX11stub_$(uname -m).so" "$here/stub.c"
