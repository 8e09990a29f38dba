#!/bin/sh
# Builds libtessera_torch.so: build.sh OUTPUT OBJECT_FOLDER. LIBTORCH names a libtorch root (an unpacked libtorch or
# a pip PyTorch's `torch` folder); without it the system's own headers and libraries are used.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
output=$1
objects=$2
mkdir -p "$objects" "$(dirname "$output")"
flags="-std=c++17 -O2 -fPIC -fvisibility=hidden -DTESSERA_DISTRIBUTED -w"
libraries="-ltorch -ltorch_cpu -lc10"
if [ -n "${LIBTORCH:-}" ]; then
    [ -d "$LIBTORCH/include" ] || { echo "LIBTORCH=$LIBTORCH has no include folder; it must name an unpacked libtorch or a pip PyTorch's torch folder" >&2; exit 1; }
    flags="$flags -I$LIBTORCH/include -I$LIBTORCH/include/torch/csrc/api/include"
    libraries="-L$LIBTORCH/lib -Wl,-rpath,$LIBTORCH/lib $libraries"
    root=$LIBTORCH
    # PyTorch before 2.6 was built with the old string ABI in its pip wheels; the libraries tell.
    if ! nm -DC "$root/lib/libc10.so" 2>/dev/null | grep -q '__cxx11'; then flags="$flags -D_GLIBCXX_USE_CXX11_ABI=0"; fi
    if [ -f "$root/lib/libtorch_cuda.so" ]; then
        libraries="$libraries -Wl,--no-as-needed -ltorch_cuda -lc10_cuda"
        for cuda in "${CUDA_HOME:-/usr/local/cuda}/include" "$root"/../nvidia/cuda_runtime/include "$root"/../nvidia/nccl/include "$root"/../nvidia/cu*/include; do
            if [ -d "$cuda" ]; then flags="$flags -I$cuda"; fi
        done
    fi
else
    flags="$flags -I/usr/include/torch/csrc/api/include"
fi
# shellcheck disable=SC2086
build() { "${CXX:-g++}" $flags -c "$here/$1.cpp" -o "$objects/$1.o"; }
pids=
for unit in allocator dispatch tensor autograd runtime operations distributed; do
    build $unit & pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done
# shellcheck disable=SC2086
"${CXX:-g++}" -shared -o "$output.new" "$objects"/*.o $libraries -ldl -lpthread
mv "$output.new" "$output"
