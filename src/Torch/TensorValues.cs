using static TorchSharp.torch;

namespace Tessera.Torch;

public static class TensorValues
{
    /// <summary>
    /// The elements, in order, copied to the host. Unlike <c>data&lt;T&gt;().ToArray()</c> it leaves no accessor behind, which
    /// would keep the tensor's memory until the garbage collector comes by.
    /// </summary>
    public static T[] Values<T>(this Tensor tensor)
        where T : unmanaged
    {
        if (tensor.numel() == 0)
            return []; // TorchSharp's accessor throws for a view without elements
        using var scope = NewDisposeScope();
        using var accessor = tensor.detach().cpu().data<T>();
        return accessor.ToArray();
    }
}
