using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor istft(long n_fft, long hop_length = -1, long win_length = -1, Tensor? window = null, bool center = true, bool normalized = false, bool? onesided = null, long length = -1, bool return_complex = false) => Op.istft.Call(this, n_fft, hop_length, win_length, window, center, normalized, onesided, length, return_complex);
    }
}
