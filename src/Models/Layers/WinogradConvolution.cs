using System.Runtime.InteropServices;
using Tessera.Torch;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>
/// A 3x3 convolution of stride 1 by Winograd's algorithm, for inference in float32 on the CPU: 36 products for the 16 outputs of a tile
/// where the sums themselves take 144 (<see cref="WinogradTransforms"/>). oneDNN 3 no longer has it.
/// </summary>
/// <remarks>The outputs differ from the usual ones by rounding: some 1e-5 of the largest (docs/design/winograd.md).</remarks>
internal sealed class WinogradConvolution : IDisposable
{
    // Tiles that are worked on at once: many enough that the weights, read anew for each such portion, cost little beside their products;
    // few enough that what lies between the transforms stays in the processor's caches.
    private const int Portion = 128;

    // The last ones may be fewer. No other number: oneDNN orders weights by it, and bringing them into another order takes far longer than
    // the convolution.
    private const int SmallPortion = 64;

    private readonly Func<Tensor> _weight;
    private readonly Dictionary<int, PackedConvolution> _products = [];
    private readonly float[] _bias;
    private readonly int _width;
    private readonly int _dilation;

    /// <param name="weight">Gives it, [O, C, 3, 3], when first needed and once more for a last portion of the other size; float32,
    /// input and output channels multiples of 16.</param>
    /// <param name="bias">[O]; copied.</param>
    /// <param name="dilation">Also the padding on each side.</param>
    public WinogradConvolution(Func<Tensor> weight, Tensor bias, long width, long dilation) =>
        (_weight, _bias, _width, _dilation) = (weight, bias.Values<float>(), (int)width, (int)dilation);

    /// <summary>Whether it can do such a convolution: 3x3, of stride 1, padded to keep the size, without groups.</summary>
    public static bool Fits(Conv2d conv) =>
        conv.groups == 1
        && conv.padding is not null
        && conv.kernel_size.All(size => size == 3)
        && conv.stride.All(step => step == 1)
        && conv.dilation[0] == conv.dilation[1]
        && conv.padding.All(pixels => pixels == conv.dilation[0]);

    /// <summary>Whether it is faster than the convolution itself.</summary>
    /// <param name="input">The shape [B, C, H, W].</param>
    /// <param name="channels">That come out.</param>
    public static bool Pays(ReadOnlySpan<long> input, long channels, long dilation)
    {
        var (width, height, length) = (input[1], input[2], input[3]);
        if (width % 16 != 0 || channels % 16 != 0 || input[0] * height * length * Math.Max(width, channels) > int.MaxValue / sizeof(float))
            return false;
        var tiles = new WinogradTiles((int)input[0], (int)height, (int)length, (int)dilation).Count;
        var (whole, rest) = Math.DivRem(tiles, Portion);
        // Multiply-adds. oneDNN leaves out taps on padding. A transform takes as long for an element as TransformCost of them.
        var direct = (double)input[0] * Seen(height, dilation) * Seen(length, dilation) * width * channels;
        var products = (double)WinogradTransforms.Parts * ((whole * Portion) + (rest == 0 ? 0 : Size(rest))) * width * channels;
        return products + ((double)WinogradTransforms.Parts * tiles * (width + channels) * TransformCost) < MostOfDirect * direct;

        static double Seen(long length, long dilation) => length + (2 * Math.Max(0, length - dilation));
    }

    private const double TransformCost = 60;

    // A smaller gain is not worth four times the memory for the weights.
    private const double MostOfDirect = 0.8;

    /// <param name="x">[B, C, H, W], float32, channels last in memory.</param>
    /// <param name="rectified">Negative outputs become 0.</param>
    /// <returns>[B, O, H, W], channels last in memory; null where <see cref="PackedConvolution"/> can't be had.</returns>
    public Tensor? Run(Tensor x, bool rectified)
    {
        using var scope = NewDisposeScope();
        var tiles = new WinogradTiles((int)x.shape[0], (int)x.shape[2], (int)x.shape[3], _dilation);
        var map = x.permute(0, 2, 3, 1);
        var result = empty([x.shape[0], x.shape[2], x.shape[3], _bias.Length]);
        for (var first = 0; first < tiles.Count; first += Portion)
        {
            var count = Math.Min(Portion, tiles.Count - first);
            var size = Size(count);
            if (Products(size) is not { } convolution)
                return null;
            using var inner = empty([1, size, 1, WinogradTransforms.Parts * _width]);
            Spread(map, tiles, first, count, inner);
            using var products = convolution.Run(inner.permute(0, 3, 1, 2));
            Finish(products.permute(0, 2, 3, 1), tiles, first, count, rectified, result);
        }
        return scope.MoveToOuter(result.permute(0, 3, 1, 2));
    }

    public void Dispose()
    {
        foreach (var packed in _products.Values)
            packed.Dispose();
        _products.Clear();
    }

    private PackedConvolution? Products(int size)
    {
        lock (_products) // several threads may run it
        {
            if (!_products.TryGetValue(size, out var convolution) && Pack(size) is { } packed)
                _products[size] = convolution = packed;
            return convolution;
        }
    }

    /// <summary>Tiles in the portion that holds these.</summary>
    private static int Size(int count) => count <= SmallPortion ? SmallPortion : Portion;

    private PackedConvolution? Pack(int size)
    {
        using var scope = NewDisposeScope();
        var parts = WinogradTransforms.OfWeight(_weight());
        long[] input = [1, WinogradTransforms.Parts * _width, size, 1];
        return PackedConvolution.Of(parts, zeros(parts.shape[0]), input, [0, 0], [1, 1], [1, 1], WinogradTransforms.Parts);
    }

    /// <summary>Transforms the inputs of tiles first to first + count.</summary>
    /// <param name="map">[B, H, W, C].</param>
    /// <param name="inner">[1, at least count, 1, 36 · C]: receives them; rows that are left become 0.</param>
    private void Spread(Tensor map, WinogradTiles tiles, int first, int count, Tensor inner)
    {
        var length = WinogradTransforms.Parts * _width;
        Floats(inner)[(count * length)..].Clear();
        Split(
            count,
            (from, to) =>
            {
                Span<int> pixels = stackalloc int[WinogradTransforms.Parts];
                var read = Floats(map);
                var written = Floats(inner);
                for (var i = from; i < to; i++)
                {
                    tiles.Inputs(first + i, pixels);
                    WinogradTransforms.Input(read, pixels, written.Slice(i * length, length), _width);
                }
            }
        );
    }

    /// <summary>Makes outputs of products.</summary>
    /// <param name="products">[1, at least count, 1, 36 · O].</param>
    /// <param name="result">[B, H, W, O]: receives them.</param>
    private void Finish(Tensor products, WinogradTiles tiles, int first, int count, bool rectified, Tensor result)
    {
        var length = WinogradTransforms.Parts * _bias.Length;
        Split(
            count,
            (from, to) =>
            {
                Span<int> pixels = stackalloc int[WinogradTiles.Out * WinogradTiles.Out];
                var read = Floats(products);
                var written = Floats(result);
                for (var i = from; i < to; i++)
                {
                    tiles.Outputs(first + i, pixels);
                    WinogradTransforms.Output(read.Slice(i * length, length), _bias, rectified, written, pixels);
                }
            }
        );
    }

    /// <summary>Each of libtorch's threads takes a part of the tiles, from the first to before the second.</summary>
    private static void Split(int count, Action<int, int> work)
    {
        var threads = Math.Min(get_num_threads(), count);
        if (threads == 1)
            work(0, count);
        else
            Parallel.For(0, threads, i => work((int)((long)count * i / threads), (int)((long)count * (i + 1) / threads)));
    }

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
