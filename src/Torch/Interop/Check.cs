using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Tessera.Torch.Interop;

/// <summary>Turns a failed native call into an exception with libtorch's message.</summary>
internal static unsafe class Check
{
    internal static int Result(int result)
    {
        if (result < 0) Throw();
        return result;
    }

    internal static IntPtr Result(IntPtr result)
    {
        if (result == IntPtr.Zero) Throw();
        return result;
    }

    /// <summary>Takes a string that the bridge allocated.</summary>
    internal static string Text(byte* text)
    {
        if (text == null) Throw();
        var result = Marshal.PtrToStringUTF8((IntPtr)text)!;
        NativeMethods.tessera_free(text);
        return result;
    }

    [DoesNotReturn]
    internal static void Throw() =>
        throw new ExternalException(Marshal.PtrToStringUTF8((IntPtr)NativeMethods.tessera_last_error()) ?? "libtorch failed without a message");
}
