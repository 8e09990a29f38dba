using Tessera.Torch.Loading;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>Which tensor it is and how often it was changed in place: equal states mean equal values.</summary>
/// <remarks>Why it exists: TorchSharp 0.107 does not offer a tensor's version. A change through its raw memory, or of its detached data by
/// native code, is not counted.</remarks>
public readonly unsafe record struct TensorState
{
    private static readonly delegate* unmanaged<nint, long> s_version = (delegate* unmanaged<nint, long>)
        Exports.Find(Exports.TensorVersion);

    private readonly nint _handle;
    private readonly long _version;

    private TensorState(nint handle, long version) => (_handle, _version) = (handle, version);

    /// <summary>Whether this libtorch tells versions.</summary>
    public static bool IsAvailable => s_version != null;

    /// <param name="tensor">Null for a tensor that is not there.</param>
    /// <exception cref="NotSupportedException">This libtorch does not tell versions.</exception>
    public static TensorState Of(Tensor? tensor)
    {
        if (tensor is null)
            return default;
        if (!IsAvailable)
            throw new NotSupportedException("This libtorch does not tell a tensor's version.");
        return new(tensor.Handle, s_version(tensor.Handle));
    }
}
