using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tessera.Torch.Loading;

namespace Tessera.Torch.Memory;

/// <summary>
/// Keeps the numbers in <c>tensor * 2</c> until libtorch has read them.
/// Why it exists: TorchSharp 0.107 makes a <c>Scalar</c> of each number, an object with a finalizer, and hands its address to libtorch
/// without keeping the object alive. A garbage collection during the call lets the finalizer free the number that the call is about to
/// read: another number or another type, without an error in most operators. It can go when TorchSharp calls GC.KeepAlive (or has a
/// SafeHandle).
/// </summary>
/// <remarks>
/// The first instructions of TorchSharp's native function THSTorch_dispose_scalar, which only <c>Scalar</c> calls, are replaced by a jump
/// here, where a scalar waits for at least <see cref="Delay"/> before it is freed. Where the function's code isn't the one expected, or
/// the system forbids the change, nothing is replaced. Known on Linux on x64 alone.
/// </remarks>
internal static unsafe class LateScalars
{
    /// <summary>Milliseconds; a call reads its numbers before it begins to compute. 48 bytes wait for each number.</summary>
    internal const int Delay = 2000;

    private const int Rest = 0x0F, // the symbolic case: gives back what the scalar refers to, then frees it
        Free = 0x28;
    private const int KeptCapacity = 1 << 16;

    private static readonly Lock s_lock = new();
    private static List<nint> s_young = [],
        s_old = [];
    private static long s_since = Environment.TickCount64;
    private static delegate* unmanaged[Cdecl]<nint, void> s_free;

    /// <summary>Whether it is in use.</summary>
    public static bool IsInstalled { get; private set; }

    /// <summary>What a user should know where it is not in use; null where it is.</summary>
    public static string? Note =>
        IsInstalled
            ? null
            : "a number may be freed while libtorch reads it (docs/torchsharp.md, class Scalar); the remedy is known for TorchSharp "
                + $"{LibTorch.TorchSharpVersion} on Linux on x64";

    /// <summary>How many wait now.</summary>
    internal static int Waiting
    {
        get
        {
            lock (s_lock)
                return s_young.Count + s_old.Count;
        }
    }

    /// <summary>The function as TorchSharp 0.107 brings it: null is left alone, and a number (not symbolic) is freed at once.</summary>
    private static readonly byte[] s_start =

        [
            .. (byte[])[0x48, 0x85, 0xFF, 0x74, 0x2D], // test rdi, rdi; jz the end
            .. (byte[])[0x8B, 0x07, 0x83, 0xC0, 0xFB], // mov eax, [rdi]; add eax, -5
            .. (byte[])[0x83, 0xF8, 0x02, 0x77, 0x19], // cmp eax, 2; ja Free
        ],
        s_end = [0xBE, 0x20, 0, 0, 0, 0xE9]; // mov esi, 32; jmp operator delete

    /// <summary>Puts it in the place of TorchSharp's function. Call it before there are scalars.</summary>
    /// <param name="binding">TorchSharp's native library; 0 where it isn't known.</param>
    public static bool Install(nint binding)
    {
        if (
            !OperatingSystem.IsLinux()
            || RuntimeInformation.ProcessArchitecture != Architecture.X64
            || binding == 0
            || !NativeLibrary.TryGetExport(binding, "THSTorch_dispose_scalar", out var function)
            || function % 16 != 0
            || !Is(function, s_start)
            || !Is(function + Free, s_end)
            || Original(function) is not (not 0 and var original)
        )
            return false;
        s_free = (delegate* unmanaged[Cdecl]<nint, void>)original;
        return IsInstalled = ExecutableMemory.Replace(function, Jump((nint)(delegate* unmanaged[Cdecl]<nint, void>)&OnDispose));
    }

    private static bool Is(nint address, ReadOnlySpan<byte> code) =>
        new ReadOnlySpan<byte>((void*)address, code.Length).SequenceEqual(code);

    /// <summary>mov rax, target; jmp rax</summary>
    private static byte[] Jump(nint target) => [0x48, 0xB8, .. BitConverter.GetBytes(target), 0xFF, 0xE0];

    /// <summary>The replaced instructions, after which the function goes on as it did.</summary>
    private static nint Original(nint function) =>
        ExecutableMemory.Write([
            .. s_start[5..13], // compares the kind of number
            .. (byte[])[0x77, 0x0C], // ja over the first jump
            .. Jump(function + Rest),
            .. Jump(function + Free),
        ]);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDispose(nint scalar)
    {
        if (scalar == 0)
            return;
        lock (s_lock)
        {
            if (Environment.TickCount64 - s_since >= Delay)
            {
                foreach (var waited in s_old)
                    s_free(waited);
                s_old.Clear();
                if (s_old.Capacity > KeptCapacity)
                    s_old = [];
                (s_young, s_old) = (s_old, s_young);
                s_since = Environment.TickCount64;
            }
            s_young.Add(scalar);
        }
    }
}
