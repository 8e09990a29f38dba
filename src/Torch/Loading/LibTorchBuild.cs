using System.Runtime.InteropServices;

namespace Tessera.Torch.Loading;

/// <summary>libtorch's own account of its build. Null where it can't be asked: the call returns a C++ string, whose layout is known on
/// Linux on x64 alone.</summary>
public static unsafe class LibTorchBuild
{
    private static readonly Lazy<string?> s_description = new(Ask);

    public static string? Description
    {
        get
        {
            LibTorch.Load(); // not within the lazy value: loading asks for it
            return s_description.Value;
        }
    }

    /// <summary>For example "2.10.0".</summary>
    public static string? Version => After("TORCH_VERSION=", ',');

    /// <summary>The vectors that libtorch's kernels use here: AVX512, AVX2 …</summary>
    public static string? CpuCapability => After("CPU capability usage:", '\n');

    /// <summary>The library of matrix products, with its version.</summary>
    public static string? Blas => Line("Math Kernel Library") ?? After("BLAS_INFO=", ',');

    public static string? OneDnn => Line("MKL-DNN") ?? Line("oneDNN");

    private static string? Ask()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null;
        var call = (delegate* unmanaged<byte*, byte*>)Exports.Find(Exports.ShowConfig);
        if (call == null)
            return null;
        var text = stackalloc byte[32]; // std::string: address, length, 16 bytes of its own
        call(text);
        var description = Marshal.PtrToStringUTF8(*(nint*)text, checked((int)*(long*)(text + 8)));
        if (*(nint*)text != (nint)(text + 16))
            NativeMemory.Free(*(void**)text); // operator new is malloc there
        return description;
    }

    private static string? After(string label, char end)
    {
        if (Description is not { } text || text.IndexOf(label, StringComparison.Ordinal) is not (>= 0 and var at))
            return null;
        var rest = text[(at + label.Length)..];
        return (rest.IndexOfAny([end, '\n']) is >= 0 and var stop ? rest[..stop] : rest).Trim();
    }

    private static string? Line(string word) =>
        Description?.Split('\n').FirstOrDefault(line => line.Contains(word, StringComparison.Ordinal))?.Trim(' ', '-');
}
