using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor softmax(Tensor input, int dim, ScalarType? dtype = null) => Op.softmax_int.Call(input, dim, dtype);
    public static Tensor sigmoid(Tensor input) => input.sigmoid();
}
