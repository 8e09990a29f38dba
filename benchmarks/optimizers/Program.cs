// Milliseconds of an optimizer's step, of clipping and of a running average, over the parameters of ViT-Tiny and ResNet-50 (channels last):
// Tessera's
// beside the same made of TorchSharp's optimizers or operators. The two take turns; told are the medians, and in brackets the fastest.
//   dotnet run -c Release --project benchmarks/optimizers [ROUNDS]
using System.Diagnostics;
using Tessera.Torch;
using Tessera.Torch.Optimizers;
using TorchSharp.Modules;
using static TorchSharp.torch;

var rounds = args.Length > 0 ? int.Parse(args[0]) : 60;
foreach (var threads in (int[])[2, 1])
foreach (var (name, shapes) in ((string, IEnumerable<long[]>)[])[("ViT-Tiny", VitTiny()), ("ResNet-50", ResNet50())])
{
    set_num_threads(threads);
    using var scope = NewDisposeScope();
    Parameter[] Fresh() => [.. shapes.Select(shape => new Parameter(Lay(randn(shape) * 0.02)))];
    var (ours, theirs) = (Fresh(), Fresh());
    foreach (var parameter in ours.Concat(theirs))
        parameter.grad = Lay(randn(parameter.shape) * 0.01);
    Console.WriteLine(
        $"{name}: {ours.Sum(parameter => parameter.numel()) / 1e6:0.0} M parameters in {ours.Length} tensors, {threads} thread(s)"
    );

    using var adam = new AdamOptimizer([new BetasGroup(ours, 1e-4, 0.05)], decoupled: true);
    using var adamOfTorchSharp = optim.AdamW(theirs, 1e-4, weight_decay: 0.05);
    Compare("AdamW", () => adam.step(), () => adamOfTorchSharp.step());
    using var sgd = new SgdOptimizer([new MomentumGroup(ours, 1e-4, 1e-4, 0.9)]);
    using var sgdOfTorchSharp = optim.SGD(theirs, 1e-4, 0.9, weight_decay: 1e-4);
    Compare("SGD", () => sgd.step(), () => sgdOfTorchSharp.step());

    Tensor[] gradients = [.. ours.Select(parameter => parameter.grad!)],
        others = [.. theirs.Select(parameter => parameter.grad!)];
    Compare("clip", () => Gradients.ClipNorm(gradients, 1e-3), () => Clip(others));
    var average = new RunningAverage();
    (Tensor, Tensor)[] pairs = [.. ours.Select(parameter => (parameter.detach().clone(), (Tensor)parameter))];
    (Tensor, Tensor)[] otherPairs = [.. theirs.Select(parameter => (parameter.detach().clone(), (Tensor)parameter))];
    Compare("running average", () => average.Update(pairs, 0.999), () => Average(otherPairs));
}

void Compare(string what, Action ours, Action theirs)
{
    var (first, second) = (new double[rounds], new double[rounds]);
    for (var i = -rounds / 4; i < rounds; i++)
    {
        var (a, b) = (Time(ours), Time(theirs));
        if (i >= 0)
            (first[i], second[i]) = (a, b);
    }
    var ratio = Median([.. first.Zip(second, (a, b) => a / b)]);
    Console.WriteLine(
        $"  {what, -16} {Median(first), 7:0.00} ({first.Min():0.00}) ms, TorchSharp {Median(second), 7:0.00} ({second.Min():0.00}) ms, "
            + $"ratio {ratio:0.00}"
    );
}

static double Time(Action action)
{
    var start = Stopwatch.GetTimestamp();
    using (NewDisposeScope())
    using (no_grad())
        action();
    return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
}

static double Median(double[] values)
{
    double[] sorted = [.. values.Order()];
    return sorted[sorted.Length / 2];
}

static void Clip(Tensor[] gradients)
{
    var factor = (1e-3 / (stack(gradients.Select(gradient => gradient.norm())).norm() + 1e-6)).clamp_max(1);
    foreach (var gradient in gradients)
        gradient.mul_(factor);
}

static void Average((Tensor, Tensor)[] pairs)
{
    foreach (var (average, value) in pairs)
        average.mul_(0.999).add_(value, alpha: 0.001);
}

static Tensor Lay(Tensor tensor) => tensor.dim() == 4 ? ChannelsLast.Lay(tensor) : tensor;

static IEnumerable<long[]> VitTiny()
{
    const long width = 192;
    foreach (
        var shape in (long[][])
            [
                [1, 1, width],
                [1, 197, width],
                [width, 3, 16, 16],
                [width],
            ]
    )
        yield return shape;
    for (var block = 0; block < 12; block++)
    {
        foreach (
            var shape in (long[][])
                [
                    [width],
                    [width],
                    [3 * width, width],
                    [3 * width],
                    [width, width],
                    [width],
                ]
        )
            yield return shape; // attention
        foreach (
            var shape in (long[][])
                [
                    [width],
                    [width],
                    [4 * width, width],
                    [4 * width],
                    [width, 4 * width],
                    [width],
                ]
        )
            yield return shape;
    }
    foreach (
        var shape in (long[][])
            [
                [width],
                [width],
                [1000, width],
                [1000],
            ]
    )
        yield return shape;
}

static IEnumerable<long[]> ResNet50()
{
    foreach (
        var shape in (long[][])
            [
                [64, 3, 7, 7],
                [64],
                [64],
            ]
    )
        yield return shape;
    long before = 64;
    foreach (var (stage, blocks) in ((int[])[3, 4, 6, 3]).Index())
    {
        var width = 64L << stage;
        for (var block = 0; block < blocks; block++)
        {
            foreach (
                var shape in (long[][])
                    [
                        [width, before, 1, 1],
                        [width],
                        [width],
                        [width, width, 3, 3],
                        [width],
                        [width],
                    ]
            )
                yield return shape;
            foreach (
                var shape in (long[][])
                    [
                        [4 * width, width, 1, 1],
                        [4 * width],
                        [4 * width],
                    ]
            )
                yield return shape;
            if (block == 0)
                foreach (
                    var shape in (long[][])
                        [
                            [4 * width, before, 1, 1],
                            [4 * width],
                            [4 * width],
                        ]
                )
                    yield return shape;
            before = 4 * width;
        }
    }
    yield return [1000, 2048];
    yield return [1000];
}
