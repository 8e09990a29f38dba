using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tessera.Torch.Loading;

namespace Tessera.Torch.Memory;

/// <summary>
/// libtorch's allocator of CPU memory, with large blocks in a region of their own; small ones stay libtorch's.
/// Why it exists: the C library's heap gives large tensors back to the system in every step, and takes them anew (docs/design/memory.md).
/// </summary>
/// <remarks>
/// The object handed to libtorch is a copy of its own allocator with two of its functions replaced, after a look at what its own one
/// returns:
/// where that is laid out otherwise than expected, nothing is replaced. Known on Linux on x64 alone.
/// </remarks>
internal static unsafe class CpuAllocator
{
    private const int Allocate = 2,
        RawDeleter = 4,
        Entries = 6; // of the table of virtual functions, after its two words of type information
    private const nuint Probe = 64;

    private static delegate* unmanaged[Cdecl]<void*, void> s_release;
    private static volatile bool s_ends;

    /// <summary>Whether it is in use.</summary>
    public static bool IsInstalled { get; private set; }

    /// <summary>Puts it in libtorch's place.</summary>
    public static bool Install()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return false;
        var get = (delegate* unmanaged[Cdecl]<void*>)Exports.Find(Exports.GetCpuAllocator);
        var set = (delegate* unmanaged[Cdecl]<void*, byte, void>)Exports.Find(Exports.SetCpuAllocator);
        if (get == null || set == null)
            return false;
        var original = get();
        var table = *(nint**)original;
        DataPointer probe;
        ((delegate* unmanaged[Cdecl]<DataPointer*, void*, nuint, DataPointer*>)table[Allocate])(&probe, original, Probe);
        if (probe.Context != probe.Data || probe.Deleter == 0 || probe.Deleter == (nint)probe.Data || probe.DeviceType != 0)
            return false; // its memory is lost, 64 bytes
        s_release = (delegate* unmanaged[Cdecl]<void*, void>)probe.Deleter;
        s_release(probe.Data);
        if (Entrance((nint)original, table[Allocate]) is not (not 0 and var entrance) || !LargeBlocks.Reserve())
            return false;

        var own = (nint*)NativeMemory.Alloc((2 + Entries) * (nuint)sizeof(nint)); // lives as long as the process
        new ReadOnlySpan<nint>(table - 2, 2 + Entries).CopyTo(new Span<nint>(own, 2 + Entries));
        own[2 + Allocate] = entrance;
        own[2 + RawDeleter] = (nint)(delegate* unmanaged[Cdecl]<void*, nint>)&OnRawDeleter;
        var instance = (nint*)NativeMemory.AllocZeroed(64);
        *instance = (nint)(own + 2);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => s_ends = true; // what is freed after this is the system's to take
        const byte highest = 100;
        set(instance, highest);
        return IsInstalled = true;
    }

    /// <summary>
    /// The function that libtorch calls: a few instructions that ask <see cref="OnAllocate"/> for large blocks alone, and otherwise go on
    /// to libtorch's own
    /// function as if they had never been there. So small blocks cost nothing more, and its C++ exception, where memory is short, passes
    /// through no frame of .NET's,
    /// which would end the process.
    /// </summary>
    /// <returns>0 where the system allows no such memory.</returns>
    private static nint Entrance(nint original, nint allocate)
    {
        byte[] code =
        [
            0x48,
            0x81,
            0xFA,
            .. BitConverter.GetBytes((int)LargeBlocks.Smallest), // cmp rdx, smallest
            0x72,
            0x20, // jb original
            0x57,
            0x52,
            0x48,
            0x83,
            0xEC,
            0x08, // push rdi; push rdx; sub rsp, 8
            0x48,
            0xB8,
            // mov rax, OnAllocate
            .. BitConverter.GetBytes((nint)(delegate* unmanaged[Cdecl]<DataPointer*, void*, nuint, byte>)&OnAllocate),
            0xFF,
            0xD0, // call rax
            0x48,
            0x83,
            0xC4,
            0x08,
            0x5A,
            0x5F, // add rsp, 8; pop rdx; pop rdi
            0x84,
            0xC0,
            0x74,
            0x04, // test al, al; jz original
            0x48,
            0x89,
            0xF8,
            0xC3, // mov rax, rdi; ret
            0x48,
            0xBE,
            .. BitConverter.GetBytes(original), // original: mov rsi, the allocator
            0x48,
            0xB8,
            .. BitConverter.GetBytes(allocate),
            0xFF,
            0xE0, // mov rax, its function; jmp rax
        ];
        return ExecutableMemory.Write(code);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte OnAllocate(DataPointer* result, void* self, nuint bytes)
    {
        var data = LargeBlocks.Take(bytes);
        if (data == null)
            return 0;
        *result = new DataPointer
        {
            Data = data,
            Context = data,
            Deleter = (nint)(delegate* unmanaged[Cdecl]<void*, void>)&OnRelease,
            DeviceType = 0,
            DeviceIndex = -1,
        };
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnRelease(void* data)
    {
        if (s_ends)
            return;
        if (LargeBlocks.Has(data))
            LargeBlocks.GiveBack(data);
        else
            s_release(data);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint OnRawDeleter(void* self) => (nint)(delegate* unmanaged[Cdecl]<void*, void>)&OnRelease;

    /// <summary>c10::DataPtr: the data, the unique_ptr that frees it, the device.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct DataPointer
    {
        public void* Data;
        public nint Deleter;
        public void* Context;
        public sbyte DeviceType;
        public sbyte DeviceIndex;
    }
}
