using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>
/// Convolutions over maps of a few pixels as one matrix product, in training with bf16 on the CPU. oneDNN's backward pass over the
/// weights walks along the rows of a map; where a row has one to four pixels it takes many times as long as the product does.
/// </summary>
internal static class SmallMaps
{
    /// <summary>Up to this many pixels of output the product is faster (benchmarks/README.md).</summary>
    private const int MostPixels = 16;

    /// <summary>The convolution of x as a matrix product; null where it is to run as it is.</summary>
    /// <param name="x">[B, C, H, W].</param>
    /// <returns>[B, channels, H', W'], channels last in memory.</returns>
    public static Tensor? Run(Conv2d conv, Tensor x)
    {
        if (
            !conv.training
            || x.device_type != DeviceType.CPU
            || conv.groups != 1
            || conv.padding is not { } padding
            || conv.padding_mode != PaddingModes.Zeros
            || !is_grad_enabled()
            || !Autocast.IsEnabled(DeviceType.CPU)
            || Tap.IsSet(conv)
            || LayerChange.IsOn(conv)
        )
            return null;
        var rows = new Taps(x.shape[2], conv.kernel_size[0], conv.stride[0], padding[0], conv.dilation[0]);
        var columns = new Taps(x.shape[3], conv.kernel_size[1], conv.stride[1], padding[1], conv.dilation[1]);
        if (rows.Count * columns.Count > MostPixels || rows.Kernel * columns.Kernel == 1 || rows.Count < 1 || columns.Count < 1)
            return null;

        if (rows.Seeing() is not { } seeingRows || columns.Seeing() is not { } seeingColumns)
            return null;
        using var scope = NewDisposeScope();
        using var padded = functional.pad(x.permute(0, 2, 3, 1), [0, 0, columns.Padding, columns.Padding, rows.Padding, rows.Padding]);
        var pixels = new List<Tensor>();
        for (var i = seeingRows.First; i <= seeingRows.Last; i++)
        {
            var strip = padded.slice(1, rows.Start(i), rows.End(i), rows.Stride);
            for (var j = seeingColumns.First; j <= seeingColumns.Last; j++)
                pixels.Add(strip.slice(2, columns.Start(j), columns.End(j), columns.Stride));
        }
        var weight = conv
            .weight.slice(2, seeingRows.First, seeingRows.Last + 1, 1)
            .slice(3, seeingColumns.First, seeingColumns.Last + 1, 1)
            .permute(0, 2, 3, 1)
            .reshape(conv.out_channels, -1);
        return scope.MoveToOuter(functional.linear(pixels.Count == 1 ? pixels[0] : cat(pixels, 3), weight, conv.bias).permute(0, 3, 1, 2));
    }

    /// <summary>Where a kernel's taps lie along one side of the padded map.</summary>
    private readonly record struct Taps(long Length, long Kernel, long Stride, long Padding, long Dilation)
    {
        /// <summary>Pixels of output.</summary>
        public long Count => (Length + 2 * Padding - Dilation * (Kernel - 1) - 1) / Stride + 1;

        /// <summary>From the first to the last tap that sees a pixel of the map anywhere; those outside see padding alone. null where all
        /// do.</summary>
        public (long First, long Last)? Seeing()
        {
            var (first, last) = (0L, Kernel - 1);
            while (first <= last && !Sees(first))
                first++;
            while (first <= last && !Sees(last))
                last--;
            return first <= last ? (first, last) : null;
        }

        private bool Sees(long tap)
        {
            for (var at = Start(tap); at < End(tap); at += Stride)
                if (at >= Padding && at < Padding + Length)
                    return true;
            return false;
        }

        public long Start(long tap) => tap * Dilation;

        public long End(long tap) => Start(tap) + (Count - 1) * Stride + 1;
    }
}
