using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>
/// The three transforms of F(4x4, 3x3): y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ x B)] A. Lavin and Gray, "Fast Algorithms for Convolutional Neural
/// Networks",
/// 2015, <see href="https://arxiv.org/abs/1509.09308">arXiv:1509.09308</see>, equations 11 and 12 for the points 0, ±1, ±2.
/// </summary>
internal static class WinogradTransforms
{
    private const int In = WinogradTiles.In;
    private const int Out = WinogradTiles.Out;

    /// <summary>Elements of a transformed tile.</summary>
    public const int Parts = In * In;

    private static readonly double[] s_g =
    [
        .. (double[])[1 / 4.0, 0, 0],
        .. (double[])[-1 / 6.0, -1 / 6.0, -1 / 6.0],
        .. (double[])[-1 / 6.0, 1 / 6.0, -1 / 6.0],
        .. (double[])[1 / 24.0, 1 / 12.0, 1 / 6.0],
        .. (double[])[1 / 24.0, -1 / 12.0, 1 / 6.0],
        .. (double[])[0, 0, 1],
    ];

    /// <summary>G w Gᵀ, as the weight of a 1x1 convolution of <see cref="Parts"/> groups.</summary>
    /// <param name="weight">[O, C, 3, 3].</param>
    /// <returns>[36 · O, C, 1, 1], float32; computed in float64, which costs nothing here and is most of what exactness there is.</returns>
    public static Tensor OfWeight(Tensor weight)
    {
        using var scope = NewDisposeScope();
        var g = tensor(s_g, [In, 3]);
        var parts = g.matmul(weight.to(ScalarType.Float64)).matmul(g.t()); // [O, C, 6, 6]
        return parts
            .permute(2, 3, 0, 1)
            .reshape(Parts * weight.shape[0], weight.shape[1], 1, 1)
            .to(ScalarType.Float32)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Bᵀ x B of one tile.</summary>
    /// <param name="map">[pixels, channels].</param>
    /// <param name="pixels">[36], of <see cref="WinogradTiles.Inputs"/>.</param>
    /// <param name="parts">[36, channels]: receives it.</param>
    /// <param name="channels">A multiple of <see cref="Vector{T}.Count"/>.</param>
    public static void Input(ReadOnlySpan<float> map, ReadOnlySpan<int> pixels, Span<float> parts, int channels)
    {
        Span<Vector<float>> tile = stackalloc Vector<float>[Parts];
        for (var c = 0; c < channels; c += Vector<float>.Count)
        {
            for (var i = 0; i < Parts; i++)
                tile[i] = pixels[i] == WinogradTiles.Outside ? Vector<float>.Zero : Read(map, (pixels[i] * channels) + c);
            for (var j = 0; j < In; j++)
                Forward(ref tile[j], In);
            for (var i = 0; i < In; i++)
                Forward(ref tile[i * In], 1);
            for (var i = 0; i < Parts; i++)
                Write(tile[i], parts, (i * channels) + c);
        }
    }

    /// <summary>Aᵀ m A of one tile, with the bias.</summary>
    /// <param name="parts">[36, channels].</param>
    /// <param name="bias">[channels].</param>
    /// <param name="rectified">Negative outputs become 0.</param>
    /// <param name="map">[pixels, channels]: receives the outputs.</param>
    /// <param name="pixels">[16], of <see cref="WinogradTiles.Outputs"/>.</param>
    public static void Output(
        ReadOnlySpan<float> parts,
        ReadOnlySpan<float> bias,
        bool rectified,
        Span<float> map,
        ReadOnlySpan<int> pixels
    )
    {
        var channels = bias.Length;
        var least = new Vector<float>(rectified ? 0 : float.NegativeInfinity);
        Span<Vector<float>> tile = stackalloc Vector<float>[Parts];
        for (var c = 0; c < channels; c += Vector<float>.Count)
        {
            for (var i = 0; i < Parts; i++)
                tile[i] = Read(parts, (i * channels) + c);
            for (var j = 0; j < In; j++)
                Backward(ref tile[j], In);
            for (var i = 0; i < Out; i++)
                Backward(ref tile[i * In], 1);
            var shift = Read(bias, c);
            for (var i = 0; i < Out * Out; i++)
                if (pixels[i] != WinogradTiles.Outside)
                    Write(Vector.Max(tile[(i / Out * In) + (i % Out)] + shift, least), map, (pixels[i] * channels) + c);
        }
    }

    private static Vector<float> Read(ReadOnlySpan<float> values, int at) =>
        at + Vector<float>.Count <= values.Length
            ? Vector.LoadUnsafe(in MemoryMarshal.GetReference(values), (nuint)at)
            : throw new ArgumentOutOfRangeException(nameof(at));

    private static void Write(Vector<float> vector, Span<float> values, int at)
    {
        if (at + Vector<float>.Count > values.Length)
            throw new ArgumentOutOfRangeException(nameof(at));
        vector.StoreUnsafe(ref MemoryMarshal.GetReference(values), (nuint)at);
    }

    /// <summary>Bᵀ x of six values, in their place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward(ref Vector<float> x, int stride)
    {
        ref var x1 = ref Unsafe.Add(ref x, stride);
        ref var x2 = ref Unsafe.Add(ref x, 2 * stride);
        ref var x3 = ref Unsafe.Add(ref x, 3 * stride);
        ref var x4 = ref Unsafe.Add(ref x, 4 * stride);
        ref var x5 = ref Unsafe.Add(ref x, 5 * stride);
        var (v0, v1, v2, v3, v4, v5) = (x, x1, x2, x3, x4, x5);
        var (even, odd) = (v4 - (4 * v2), v3 - (4 * v1));
        var (outerEven, outerOdd) = (v4 - v2, 2 * (v3 - v1));
        x = (4 * v0) - (5 * v2) + v4;
        x1 = even + odd;
        x2 = even - odd;
        x3 = outerEven + outerOdd;
        x4 = outerEven - outerOdd;
        x5 = (4 * v1) - (5 * v3) + v5;
    }

    /// <summary>Aᵀ m: of six values four, in the place of the first four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Backward(ref Vector<float> m, int stride)
    {
        ref var m1 = ref Unsafe.Add(ref m, stride);
        ref var m2 = ref Unsafe.Add(ref m, 2 * stride);
        ref var m3 = ref Unsafe.Add(ref m, 3 * stride);
        var (v3, v4, v5) = (m3, Unsafe.Add(ref m, 4 * stride), Unsafe.Add(ref m, 5 * stride));
        var (sum, difference) = (m1 + m2, m1 - m2);
        var (outerSum, outerDifference) = (v3 + v4, v3 - v4);
        m += sum + outerSum;
        m1 = difference + (2 * outerDifference);
        m2 = sum + (4 * outerSum);
        m3 = difference + (8 * outerDifference) + v5;
    }
}
