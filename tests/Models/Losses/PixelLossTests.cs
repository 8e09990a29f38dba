using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Losses;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>Losses of maps against loops over pixels in doubles, straight from their definitions: in value, and in gradient by
/// differences.</summary>
public sealed class PixelLossTests
{
    private const int Classes = 4;

    public static TheoryData<string, int> Cases()
    {
        var data = new TheoryData<string, int>();
        foreach (var name in s_losses.Keys)
            for (var seed = 0; seed < 6; seed++)
                data.Add(name, seed);
        return data;
    }

    public static TheoryData<string> Names() => [.. s_losses.Keys];

    private static readonly double[] s_weight = [1, 2, 0.5, 3];

    // Each loss with its definition: probabilities [image, class, y, x] and labels [image, y, x] (255 ignored) to the value.
    private static readonly Dictionary<string, (Func<Loss> Loss, Func<Example, double> Value)> s_losses = new()
    {
        ["cross entropy"] = (() => new CrossEntropyLoss(new()), e => e.Mean(i => -Math.Log(i.Truth))),
        ["cross entropy, weights"] = (() => new CrossEntropyLoss(new(s_weight)), e => e.Mean(i => -Math.Log(i.Truth), s_weight)),
        ["cross entropy, smoothing"] = (
            () => new CrossEntropyLoss(new(LabelSmoothing: 0.2)),
            e => e.Mean(i => -((0.8 * Math.Log(i.Truth)) + (0.05 * i.P.Sum(Math.Log))))
        ),
        ["cross entropy, over all pixels"] = (
            () => new CrossEntropyLoss(new(AvgNonIgnore: false)),
            e => e.Mean(i => -Math.Log(i.Truth)) * e.Valid().Length / e.Pixels
        ),
        ["cross entropy, weights, over all pixels"] = (
            () => new CrossEntropyLoss(new(s_weight, AvgNonIgnore: false)),
            e => Weighted(e, i => -Math.Log(i.Truth))
        ),
        ["focal, weights, over all pixels"] = (
            () => new FocalLoss(new(2, ClassWeight: s_weight, AvgNonIgnore: false)),
            e => Weighted(e, i => -Math.Pow(1 - i.Truth, 2) * Math.Log(i.Truth))
        ),
        ["ohem, over all pixels"] = (
            () => new OhemCrossEntropyLoss(new(0.3, 3, AvgNonIgnore: false)),
            e => Ohem(e, 0.3, 3, null) * OhemKept(e, 0.3, 3).Length / e.Pixels
        ),
        ["ohem, over all that count"] = (
            () => new OhemCrossEntropyLoss(new(0.3, 3, AvgKept: false)),
            e => Ohem(e, 0.3, 3, null) * OhemKept(e, 0.3, 3).Length / Math.Max(1, e.Valid().Length)
        ),
        ["ohem, weights, over all that count"] = (
            () => new OhemCrossEntropyLoss(new(0.3, 3, ClassWeight: s_weight, AvgKept: false)),
            e =>
                Ohem(e, 0.3, 3, s_weight)
                * OhemKept(e, 0.3, 3).Sum(pixel => s_weight[pixel.Label])
                / e.Valid().Sum(pixel => s_weight[pixel.Label])
        ),
        ["focal"] = (
            () => new FocalLoss(new(2, ClassWeight: s_weight)),
            e => e.Mean(i => -Math.Pow(1 - i.Truth, 2) * Math.Log(i.Truth), s_weight)
        ),
        ["ohem by threshold"] = (() => new OhemCrossEntropyLoss(new(0.3, 3)), e => Ohem(e, 0.3, 3, null)),
        ["ohem by number"] = (() => new OhemCrossEntropyLoss(new(null, 7)), e => Ohem(e, 0, 7, null)),
        ["ohem, weights, per image"] = (() => new OhemCrossEntropyLoss(new(0.1, 6, true, s_weight)), e => Ohem(e, 0.1, 12, s_weight)),
        ["lovasz"] = (() => new LovaszLoss(new()), e => Lovasz(e.Valid(), ClassChoice.Present, null)),
        ["lovasz, all, weights"] = (
            () => new LovaszLoss(new(ClassChoice.All, ClassWeight: s_weight)),
            e => Lovasz(e.Valid(), ClassChoice.All, s_weight)
        ),
        ["lovasz per image"] = (
            () => new LovaszLoss(new(PerImage: true)),
            e => OverImages(e, pixels => Lovasz(pixels, ClassChoice.Present, null))
        ),
        ["dice"] = (() => new DiceLoss(new()), e => Region(e.Valid(), Dice(1, true), ClassChoice.All, null)),
        ["dice, plain, present"] = (
            () => new DiceLoss(new(0, false, s_weight, ClassChoice.Present)),
            e => Region(e.Valid(), Dice(0, false), ClassChoice.Present, s_weight)
        ),
        ["tversky"] = (() => new TverskyLoss(new()), e => Region(e.Valid(), Tversky(1), ClassChoice.All, null)),
        ["tversky, focal"] = (
            () => new TverskyLoss(new(Gamma: 0.75, Classes: ClassChoice.Present)),
            e => Region(e.Valid(), Tversky(0.75), ClassChoice.Present, null)
        ),
        ["boundary"] = (() => new BoundaryLoss(new()), e => Boundary(e, null, 1)),
        ["boundary, normalised, weights"] = (
            () => new BoundaryLoss(new(true, s_weight)),
            e => Boundary(e, s_weight, 1 / Math.Sqrt((e.Height * e.Height) + (e.Width * e.Width)))
        ),
        ["rmi, max"] = (() => new RmiLoss(new(Radius: 2, Stride: 2)), e => Rmi(e, 2, 2, true, 0.5)),
        ["rmi, average"] = (
            () => new RmiLoss(new(Radius: 2, Pool: MapPooling.Average, Stride: 3, Lambda: 0.2)),
            e => Rmi(e, 2, 3, false, 0.2)
        ),
        ["rmi, unpooled"] = (() => new RmiLoss(new(Radius: 3, Stride: 1, Lambda: 0)), e => Rmi(e, 3, 1, true, 0)),
    };

    [Theory, MemberData(nameof(Cases))]
    public void Loss_RandomMaps_EqualsTheLoopInValueAndGradient(string name, int seed)
    {
        // 0 to 2: random; 3: one class only; 4: the second image ignored; 5: one valid pixel.
        var random = new Random(seed);
        var (height, width) = (random.Next(6, 9), random.Next(6, 9));
        var logits = new double[2, Classes, height, width];
        var labels = new long[2, height, width];
        for (var b = 0; b < 2; b++)
        {
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    for (var c = 0; c < Classes; c++)
                        logits[b, c, y, x] = (random.NextDouble() * 6) - 3;
                    labels[b, y, x] =
                        random.NextDouble() < 0.2 ? 255
                        : seed == 3 ? 2
                        : random.Next(Classes - (seed == 1 ? 1 : 0));
                    if ((seed == 4 && b == 1) || seed == 5)
                        labels[b, y, x] = 255;
                }
            }
        }
        if (seed == 5)
            labels[0, 2, 3] = 1;

        var (loss, definition) = s_losses[name];
        using var scope = NewDisposeScope();
        var tensorOfLogits = tensor(logits.Cast<double>().ToArray(), [2, Classes, height, width]).to(ScalarType.Float32).requires_grad_();
        var tensorOfLabels = tensor(labels.Cast<long>().ToArray(), [2, height, width]);
        var value = loss().Compute(tensorOfLogits, new LossTargets(tensorOfLabels), default);
        value.backward();

        double At() => definition(new Example(logits, labels, name.StartsWith("rmi", StringComparison.Ordinal)));
        var expected = At();
        Assert.Equal(expected, value.item<float>(), 1e-4 * Math.Max(1, Math.Abs(expected)));
        var gradient = tensorOfLogits.grad!;
        for (var probe = 0; probe < 25; probe++)
        {
            var (b, c, y, x) = (random.Next(2), random.Next(Classes), random.Next(height), random.Next(width));
            const double Step = 1e-5;
            var kept = logits[b, c, y, x];
            logits[b, c, y, x] = kept + Step;
            var above = At();
            logits[b, c, y, x] = kept - Step;
            var slope = (above - At()) / (2 * Step);
            logits[b, c, y, x] = kept;
            Assert.Equal(slope, gradient[b, c, y, x].item<float>(), 2e-3 * Math.Max(0.1, Math.Abs(slope)));
            if (labels[b, y, x] == 255)
                Assert.Equal(0, gradient[b, c, y, x].item<float>());
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Loss_EverythingIgnored_IsZeroWithZeroGradient(string name)
    {
        using var scope = NewDisposeScope();
        var logits = Formula.Values("logits.weight", 2 * Classes * 9 * 8).mul(10).reshape(2, Classes, 9, 8).detach().requires_grad_();
        var value = s_losses[name].Loss().Compute(logits, new LossTargets(full([2, 9, 8], 255, ScalarType.Int64)), default);
        Assert.Equal(0, value.item<float>());
        value.backward();
        Assert.True(logits.grad!.eq(0).all().item<bool>());
    }

    [Theory, MemberData(nameof(Names))]
    public void Loss_CertainLogits_AreFinite(string name)
    {
        using var scope = NewDisposeScope();
        var labels = arange(2 * 9 * 8, dtype: ScalarType.Int64).div(7, RoundingMode.floor).remainder(Classes).reshape(2, 9, 8);
        foreach (var sign in new[] { 300f, -300f }) // right, and wrong, beyond doubt
        {
            var logits = (nn.functional.one_hot(labels, Classes).permute(0, 3, 1, 2).to(ScalarType.Float32) * sign)
                .detach()
                .requires_grad_();
            var value = s_losses[name].Loss().Compute(logits, new LossTargets(labels), default);
            value.backward();
            Assert.True(float.IsFinite(value.item<float>()) && logits.grad!.isfinite().all().item<bool>());
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Loss_OfBFloat16Logits_ComputesInFloat32(string name)
    {
        using var scope = NewDisposeScope();
        var logits = Formula.Values("logits.weight", 2 * Classes * 9 * 8).mul(10).reshape(2, Classes, 9, 8).to(ScalarType.BFloat16);
        var labels = new LossTargets(arange(2 * 9 * 8, dtype: ScalarType.Int64).remainder(Classes).reshape(2, 9, 8));
        var half = s_losses[name].Loss().Compute(logits, labels, default);
        Assert.Equal(ScalarType.Float32, half.dtype);
        Assert.Equal(s_losses[name].Loss().Compute(logits.to(ScalarType.Float32), labels, default).item<float>(), half.item<float>());
    }

    [Fact]
    public void Ohem_EverythingKept_IsCrossEntropy()
    {
        using var scope = NewDisposeScope();
        var logits = Formula.Values("logits.weight", 2 * Classes * 9 * 8).mul(10).reshape(2, Classes, 9, 8);
        var targets = new LossTargets(arange(2 * 9 * 8, dtype: ScalarType.Int64).remainder(Classes).reshape(2, 9, 8));
        Assert.Equal(
            new CrossEntropyLoss(new(s_weight)).Compute(logits, targets, default).item<float>(),
            new OhemCrossEntropyLoss(new(0.5, int.MaxValue, ClassWeight: s_weight)).Compute(logits, targets, default).item<float>(),
            1e-6f
        );
    }

    [Fact]
    public void Ohem_MeanOverAllAndOverTheKept_IsAMistake()
    {
        var mistake = Assert.Throws<UserErrorException>(() => new OhemCrossEntropyLoss(new(AvgNonIgnore: false, AvgKept: true)));
        Assert.Contains("avg_kept true contradicts it", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lovasz_HardPredictions_IsOneMinusIoU()
    {
        // Probabilities of 0 and 1: the extension meets the Jaccard loss. Truth 0 0 0 1, prediction 0 0 1 1: IoU 2/3 and 1/2.
        using var scope = NewDisposeScope();
        var predicted = nn.functional.one_hot(tensor(new long[] { 0, 0, 1, 1 }), 2).t().reshape(1, 2, 2, 2).to(ScalarType.Float32) * 100;
        var value = new LovaszLoss(new()).Compute(predicted, new LossTargets(tensor(new long[] { 0, 0, 0, 1 }).reshape(1, 2, 2)), default);
        Assert.Equal(1 - ((2.0 / 3 + 0.5) / 2), value.item<float>(), 1e-6);
    }

    [Fact]
    public void Lovasz_OnHost_EqualsTheDevicesOperations()
    {
        using var scope = NewDisposeScope();
        var p = (Formula.Values("logits.weight", 4 * 3000).reshape(4, 3000) * 200).softmax(0);
        var labels = arange(3000, dtype: ScalarType.Int64).remainder(3); // class 3 is nowhere
        long[] counts = [1000, 1000, 1000, 0];
        foreach (var c in new[] { 0, 2, 3 }) // of equal errors either may come first: slopes differ then, their sum doesn't
        {
            double Total((Tensor Slopes, Tensor Constant) found) => ((p[c] * found.Slopes[0]).sum() + found.Constant).item<float>();
            Assert.Equal(
                Total(LovaszSlopes.OnDevice(p, labels, [c], [0.3], counts)),
                Total(LovaszSlopes.OnHost(p, labels, [c], [0.3], counts)),
                1e-6
            );
        }
        var (slopes, _) = LovaszSlopes.OnHost(p, labels, [0, 2, 3], [0.5, 0.2, 0.3], counts);
        Assert.Equal(0.3f, slopes[2].sum().item<float>(), 1e-6f);
    }

    [Fact]
    public void Rmi_MapsSmallerThanItsRadius_IsTheUsersMistake()
    {
        using var scope = NewDisposeScope();
        var mistake = Assert.Throws<UserErrorException>(() =>
            new RmiLoss(new()).Compute(zeros(1, 3, 5, 5), new LossTargets(zeros([1, 5, 5], ScalarType.Int64)), default)
        );
        Assert.StartsWith(
            "RmiLoss: maps of 2 x 2 pixels after pooling are smaller than a radius of 3.",
            mistake.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Distances_OfRandomMasks_EqualTheObviousLoop()
    {
        var random = new Random(0);
        for (var n = 0; n < 40; n++)
        {
            var (height, width) = (random.Next(1, 20), random.Next(1, 20));
            var mask = new bool[height * width];
            var share = random.NextDouble() * 0.3;
            for (var i = 0; i < mask.Length; i++)
                mask[i] = random.NextDouble() < share;
            mask[random.Next(mask.Length)] = true;
            var distances = DistanceTransform.Squared(mask, height, width);
            for (var i = 0; i < mask.Length; i++)
            {
                var nearest = Enumerable
                    .Range(0, mask.Length)
                    .Where(j => mask[j])
                    .Min(j => ((i / width - j / width) * (i / width - j / width)) + ((i % width - j % width) * (i % width - j % width)));
                Assert.Equal(nearest, distances[i]);
            }
        }
    }

    /// <summary>Probabilities of all classes at a pixel, and its label.</summary>
    private sealed record Pixel(int Image, int Y, int X, double[] P, long Label)
    {
        public double Truth => P[Label];
    }

    private sealed class Example
    {
        private readonly List<Pixel> _pixels = [];

        public Example(double[,,,] logits, long[,,] labels, bool sigmoid)
        {
            (Height, Width) = (labels.GetLength(1), labels.GetLength(2));
            for (var b = 0; b < labels.GetLength(0); b++)
            {
                for (var y = 0; y < Height; y++)
                {
                    for (var x = 0; x < Width; x++)
                    {
                        var raised = Enumerable.Range(0, Classes).Select(c => Math.Exp(logits[b, c, y, x])).ToArray();
                        _pixels.Add(new Pixel(b, y, x, [.. raised.Select(e => sigmoid ? e / (1 + e) : e / raised.Sum())], labels[b, y, x]));
                    }
                }
            }
        }

        public int Height { get; }

        public int Width { get; }

        /// <summary>All of them, ignored ones too.</summary>
        public int Pixels => _pixels.Count;

        public Pixel[] Valid() => [.. _pixels.Where(pixel => pixel.Label != 255)];

        public Pixel At(int image, int y, int x) => _pixels[(((image * Height) + y) * Width) + x];

        public double Mean(Func<Pixel, double> value, double[]? weight = null) =>
            Valid().Sum(pixel => value(pixel) * (weight?[pixel.Label] ?? 1)) / Valid().Sum(pixel => weight?[pixel.Label] ?? 1);
    }

    private static Pixel[] OhemKept(Example e, double thresh, int least) =>
        [.. e.Valid().OrderBy(pixel => pixel.Truth).Where((pixel, rank) => rank < least || pixel.Truth < thresh)];

    /// <summary>The weighted sum over the weights of all pixels, 1 for those that are ignored.</summary>
    private static double Weighted(Example e, Func<Pixel, double> value) =>
        e.Valid().Sum(pixel => value(pixel) * s_weight[pixel.Label])
        / (e.Valid().Sum(pixel => s_weight[pixel.Label]) + e.Pixels - e.Valid().Length);

    private static double Ohem(Example e, double thresh, int least, double[]? weight)
    {
        var kept = OhemKept(e, thresh, least);
        return kept.Sum(pixel => -Math.Log(pixel.Truth) * (weight?[pixel.Label] ?? 1)) / kept.Sum(pixel => weight?[pixel.Label] ?? 1);
    }

    private static double OverImages(Example e, Func<Pixel[], double> value) =>
        e.Valid().GroupBy(pixel => pixel.Image).Average(image => value([.. image]));

    private static double Lovasz(Pixel[] pixels, ClassChoice choice, double[]? weight)
    {
        var (sum, whole) = (0.0, 0.0);
        for (var c = 0; c < Classes; c++)
        {
            var count = pixels.Count(pixel => pixel.Label == c);
            if (count == 0 && choice == ClassChoice.Present)
                continue;
            var errors = pixels
                .Select(pixel => (Error: Math.Abs((pixel.Label == c ? 1 : 0) - pixel.P[c]), Is: pixel.Label == c))
                .OrderByDescending(pixel => pixel.Error)
                .ToArray();
            var (before, others, missed, value) = (0.0, 0, 0, 0.0);
            foreach (var (error, isClass) in errors)
            {
                if (isClass)
                    missed++;
                else
                    others++;
                var jaccard = 1 - ((double)(count - missed) / (count + others)); // wrong at all pixels so far, right at the rest
                value += error * (jaccard - before);
                before = jaccard;
            }
            sum += value * (weight?[c] ?? 1);
            whole += weight?[c] ?? 1;
        }
        return sum / whole;
    }

    private static double Region(Pixel[] pixels, Func<Pixel[], int, double> value, ClassChoice choice, double[]? weight)
    {
        var chosen = Enumerable.Range(0, Classes).Where(c => choice == ClassChoice.All || pixels.Any(pixel => pixel.Label == c)).ToArray();
        return chosen.Sum(c => value(pixels, c) * (weight?[c] ?? 1)) / chosen.Sum(c => weight?[c] ?? 1);
    }

    private static Func<Pixel[], int, double> Dice(double smooth, bool squared) =>
        (pixels, c) =>
            1
            - (
                ((2 * pixels.Where(pixel => pixel.Label == c).Sum(pixel => pixel.P[c])) + smooth)
                / (pixels.Sum(pixel => squared ? pixel.P[c] * pixel.P[c] : pixel.P[c]) + pixels.Count(pixel => pixel.Label == c) + smooth)
            );

    private static Func<Pixel[], int, double> Tversky(double gamma) =>
        (pixels, c) =>
        {
            var both = pixels.Where(pixel => pixel.Label == c).Sum(pixel => pixel.P[c]);
            var falsePositives = pixels.Where(pixel => pixel.Label != c).Sum(pixel => pixel.P[c]);
            var falseNegatives = pixels.Where(pixel => pixel.Label == c).Sum(pixel => 1 - pixel.P[c]);
            return Math.Pow(1 - ((both + 1) / (both + (0.3 * falsePositives) + (0.7 * falseNegatives) + 1)), gamma);
        };

    private static double Boundary(Example e, double[]? weight, double scale)
    {
        var sum = 0.0;
        foreach (var image in e.Valid().GroupBy(pixel => pixel.Image))
        {
            for (var c = 0; c < Classes; c++)
            {
                var (inside, outside) = (
                    image.Where(pixel => pixel.Label == c).ToArray(),
                    image.Where(pixel => pixel.Label != c).ToArray()
                );
                if (inside.Length == 0 || outside.Length == 0)
                    continue;
                sum += inside.Sum(pixel => pixel.P[c] * (1 - Nearest(pixel, outside))) * scale * (weight?[c] ?? 1);
                sum += outside.Sum(pixel => pixel.P[c] * Nearest(pixel, inside)) * scale * (weight?[c] ?? 1);
            }
        }
        return sum / (e.Valid().Length * Classes);

        static double Nearest(Pixel pixel, Pixel[] others) =>
            others.Min(other => Math.Sqrt(((pixel.X - other.X) * (pixel.X - other.X)) + ((pixel.Y - other.Y) * (pixel.Y - other.Y))));
    }

    private static double Rmi(Example e, int radius, int stride, bool max, double lambda)
    {
        var entropy =
            e.Valid().Sum(pixel => Enumerable.Range(0, Classes).Sum(c => -Math.Log(pixel.Label == c ? pixel.P[c] : 1 - pixel.P[c])))
            / e.Valid().Length;
        var information = Enumerable
            .Range(0, 2)
            .Where(image => e.Valid().Any(pixel => pixel.Image == image))
            .Average(image => Enumerable.Range(0, Classes).Sum(c => Information(image, c)));
        return (lambda * entropy) + ((1 - lambda) * information);

        double Information(int image, int c)
        {
            var size = radius * radius;
            var truth = Points(pixel => pixel.Label == c ? 1 : 0);
            var guess = Points(pixel => pixel.Label == 255 ? 1e-6 : pixel.P[c] + 1e-6);
            var (yy, pp, yp) = (Product(truth, truth), Product(guess, guess), Product(truth, guess));
            for (var i = 0; i < size; i++)
                pp[i, i] += 1e-3;
            // Σ_P⁻¹ Σ_YPᵀ column by column, by Gauss
            var solved = Solve(pp, yp);
            var rest = new double[size, size];
            for (var i = 0; i < size; i++)
            for (var j = 0; j < size; j++)
                rest[i, j] = yy[i, j] - Enumerable.Range(0, size).Sum(k => yp[i, k] * solved[k, j]) + (i == j ? 1e-3 : 0);
            return 0.5 * LogDeterminant(rest) / size;

            double[][] Points(Func<Pixel, double> value)
            {
                var map = new double[e.Height, e.Width];
                for (var y = 0; y < e.Height; y++)
                for (var x = 0; x < e.Width; x++)
                    map[y, x] = value(e.At(image, y, x));
                if (stride > 1)
                    map = Pool(map);
                var points = new List<double[]>();
                for (var y = 0; y + radius <= map.GetLength(0); y++)
                for (var x = 0; x + radius <= map.GetLength(1); x++)
                    points.Add([
                        .. from dy in Enumerable.Range(0, radius) from dx in Enumerable.Range(0, radius) select map[y + dy, x + dx],
                    ]);
                for (var d = 0; d < size; d++)
                {
                    var mean = points.Average(point => point[d]);
                    foreach (var point in points)
                        point[d] -= mean;
                }
                return [.. points];
            }
        }

        double[,] Pool(double[,] map)
        {
            var pad = stride / 2;
            var (height, width) = (
                ((map.GetLength(0) + (2 * pad) - stride) / stride) + 1,
                ((map.GetLength(1) + (2 * pad) - stride) / stride) + 1
            );
            var pooled = new double[height, width];
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var window =
                        from v in Enumerable.Range((y * stride) - pad, stride)
                        from u in Enumerable.Range((x * stride) - pad, stride)
                        where v >= 0 && u >= 0 && v < map.GetLength(0) && u < map.GetLength(1)
                        select map[v, u];
                    pooled[y, x] = max ? window.Max() : window.Sum() / (stride * stride); // padding counts as zeros
                }
            }
            return pooled;
        }
    }

    private static double[,] Product(double[][] a, double[][] b)
    {
        var size = a[0].Length;
        var product = new double[size, size];
        for (var i = 0; i < size; i++)
        for (var j = 0; j < size; j++)
            product[i, j] = a.Zip(b).Sum(pair => pair.First[i] * pair.Second[j]);
        return product;
    }

    /// <summary>A⁻¹ Bᵀ.</summary>
    private static double[,] Solve(double[,] a, double[,] b)
    {
        var size = a.GetLength(0);
        var (left, right) = ((double[,])a.Clone(), new double[size, size]);
        for (var i = 0; i < size; i++)
        for (var j = 0; j < size; j++)
            right[i, j] = b[j, i];
        for (var pivot = 0; pivot < size; pivot++)
        {
            for (var row = 0; row < size; row++)
            {
                if (row == pivot)
                    continue;
                var factor = left[row, pivot] / left[pivot, pivot]; // positive definite: no need to exchange rows
                for (var j = 0; j < size; j++)
                    (left[row, j], right[row, j]) = (left[row, j] - (factor * left[pivot, j]), right[row, j] - (factor * right[pivot, j]));
            }
        }
        for (var i = 0; i < size; i++)
        for (var j = 0; j < size; j++)
            right[i, j] /= left[i, i];
        return right;
    }

    private static double LogDeterminant(double[,] a)
    {
        var (left, log) = ((double[,])a.Clone(), 0.0);
        for (var pivot = 0; pivot < left.GetLength(0); pivot++)
        {
            log += Math.Log(left[pivot, pivot]);
            for (var row = pivot + 1; row < left.GetLength(0); row++)
            {
                var factor = left[row, pivot] / left[pivot, pivot];
                for (var j = pivot; j < left.GetLength(0); j++)
                    left[row, j] -= factor * left[pivot, j];
            }
        }
        return log;
    }
}
