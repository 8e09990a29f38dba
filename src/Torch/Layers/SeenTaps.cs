using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch.Layers;

/// <summary>Convolutions over maps so small that parts of the kernel never lie on the map.</summary>
/// <remarks>
/// Why it exists: for such a part the gradient of the weights is 0, but in bfloat16 and channels last oneDNN 3.7 (libtorch 2.10) leaves
/// whatever its memory held before, mostly after a larger stride: training ends in NaN, or goes wrong without a word. It can go when the
/// test <c>SeenTapsTests.UnseenTaps_HaveGradientsOfUnsetMemory</c> fails.
/// </remarks>
public static class SeenTaps
{
    /// <summary>Whether some place of a layer's kernel lies on padding alone, wherever the kernel stands.</summary>
    /// <param name="input">[B, C, H, W].</param>
    public static bool Miss(Conv2d layer, Tensor input) =>
        layer.padding is { Length: 2 } padding && Miss(input, layer.kernel_size, layer.stride, padding, layer.dilation);

    /// <summary>What a layer gives with other weights of its form, or its own; see the other overload.</summary>
    /// <param name="layer">One of which <see cref="Miss(Conv2d, Tensor)"/> is true.</param>
    public static Tensor Convolve(Conv2d layer, Tensor input, Tensor weight, Tensor? bias) =>
        Convolve(input, weight, bias, layer.stride, layer.padding!, layer.dilation, layer.groups);

    /// <summary>Whether some place of the kernel lies on padding alone, wherever the kernel stands.</summary>
    /// <param name="input">[B, C, H, W].</param>
    /// <param name="kernel">Height and width, as each of the following.</param>
    public static bool Miss(Tensor input, long[] kernel, long[] stride, long[] padding, long[] dilation)
    {
        var shape = input.shape; // asked of libtorch each time
        for (var side = 0; side < 2; side++)
        for (var tap = 0L; tap < kernel[side]; tap++)
            if (!Sees(tap, shape[2 + side], kernel[side], stride[side], padding[side], dilation[side]))
                return true;
        return false;
    }

    /// <summary>What conv2d gives: the kernel is cut to the range that meets the map, and what it still lacks of the map is written out as
    /// zeros. Taps outside of the range get the gradient 0.</summary>
    /// <param name="input">[B, C, H, W].</param>
    /// <param name="weight">[filters, C / groups, h, w].</param>
    /// <param name="bias">[filters] or null.</param>
    /// <param name="stride">Of height and width, as each of the following.</param>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias, long[] stride, long[] padding, long[] dilation, long groups)
    {
        using var scope = NewDisposeScope();
        var pads = new long[4]; // of the last dimension first
        var steps = stride.ToArray();
        var cut = weight;
        for (var side = 0; side < 2; side++)
        {
            var (map, kernel, step, pad, gap) = (
                input.shape[2 + side],
                weight.shape[2 + side],
                stride[side],
                padding[side],
                dilation[side]
            );
            var seen = Enumerable.Range(0, (int)kernel).Where(tap => Sees(tap, map, kernel, step, pad, gap)).ToArray();
            var (first, count) = seen.Length == 0 ? (0, 1) : (seen[0], seen[^1] - seen[0] + 1);
            cut = cut.narrow(2 + side, first, count);
            var before = pad - first * gap; // less than 0: the map's first places are never met
            var places = Places(map, kernel, step, pad, gap);
            var length = (places - 1) * step + (count - 1) * gap + 1;
            if (places == 1)
                steps[side] = 1; // a stride larger than the kernel goes wrong, too, and there is no second place
            (pads[2 - 2 * side], pads[3 - 2 * side]) = (before, length - before - map);
        }
        var laid = nn.functional.pad(input, pads);
        return scope.MoveToOuter(nn.functional.conv2d(laid, cut, bias, steps, [0, 0], dilation, groups));
    }

    private static long Places(long map, long kernel, long stride, long padding, long dilation) =>
        (map + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1;

    private static bool Sees(long tap, long map, long kernel, long stride, long padding, long dilation)
    {
        for (var place = 0L; place < Places(map, kernel, stride, padding, dilation); place++)
            if (place * stride - padding + tap * dilation is var at && at >= 0 && at < map)
                return true;
        return false;
    }
}
