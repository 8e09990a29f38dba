using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>The layout in memory that convolutions like best: the channels of a pixel side by side (NHWC; NDHWC for 5
/// dimensions).</summary>
/// <remarks>Why it exists: TorchSharp 0.107 has no memory formats.</remarks>
public static class ChannelsLast
{
    /// <summary>The tensor laid out channels last, its shape unchanged; a copy unless it is so already.</summary>
    /// <exception cref="ArgumentException">It has not 4 or 5 dimensions.</exception>
    public static Tensor Lay(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return (
            tensor.dim() switch
            {
                4 => tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
                5 => tensor.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3),
                var dimensions => throw new ArgumentException($"Channels last is for 4 or 5 dimensions, not {dimensions}.", nameof(tensor)),
            }
        ).MoveToOuterDisposeScope();
    }

    public static bool IsLaid(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.dim() switch
        {
            4 => tensor.permute(0, 2, 3, 1).is_contiguous(),
            5 => tensor.permute(0, 2, 3, 4, 1).is_contiguous(),
            _ => false,
        };
    }
}
