using Tessera.Torch;
using Tessera.Torch.Loading;
using Tessera.Torch.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Defects;

/// <summary>Objects of TorchSharp that a garbage collection frees while libtorch is using them; each act runs in a process of its
/// own.</summary>
internal static class Numbers
{
    // libtorch makes a copy of the first in the second's type before it reads the second or alpha: milliseconds in which they may be freed.
    private static readonly Tensor s_whole = ones(1 << 20, ScalarType.Int64).DetachFromDisposeScope(),
        s_float = ones(1 << 20, ScalarType.Float32).DetachFromDisposeScope();

    /// <summary>Adds with a number until the sum is wrong or libtorch complains.</summary>
    public static void AddUnderCollections(TimeSpan atMost) => Under(Collections, atMost, Add);

    /// <summary>Additions and a layer whose training counts its calls with <c>add_(1)</c>, after what a training calls first.</summary>
    public static void TrainUnderCollections()
    {
        Threads.Set(1);
        using var norm = nn.BatchNorm2d(4);
        var calls = 0;
        Under(
            Collections,
            TimeSpan.FromSeconds(10),
            () =>
            {
                using var scope = NewDisposeScope();
                using var loss = norm.call(ones(2, 4, 3, 3)).sum() * 0.5;
                loss.backward();
                calls++;
                Add();
            }
        );
        if (norm.get_buffer("num_batches_tracked")!.item<long>() != calls)
            throw new InvalidDataException("the layer has counted otherwise");
        if (!LateScalars.IsInstalled || LateScalars.Waiting == 0)
            throw new InvalidOperationException("no scalar waits");
    }

    /// <summary>Tensors in no dispose scope and in no variable, until the process ends.</summary>
    public static void TemporariesUnderCollections(TimeSpan atMost)
    {
        LibTorch.Load(); // keeps the numbers
        Under(
            Collections,
            atMost,
            () =>
            {
                using var product = s_whole * (s_float + s_float);
                using var first = product[0];
                if (first.item<float>() is not 2 and var wrong)
                    throw new InvalidDataException($"1 * 2 is {wrong}");
            }
        );
    }

    private static void Add()
    {
        using var sum = s_whole.add(s_float, alpha: 7);
        using var first = sum[0];
        if (first.item<float>() is not 8 and var wrong)
            throw new InvalidDataException($"1 + 7 is {wrong}");
    }

    private static void Under(ThreadStart other, TimeSpan atMost, Action act)
    {
        var thread = new Thread(other) { IsBackground = true };
        thread.Start();
        for (var start = Environment.TickCount64; Environment.TickCount64 - start < atMost.TotalMilliseconds; )
            act();
    }

    private static void Collections()
    {
        while (true)
        {
            GC.Collect(0);
            Thread.Sleep(1);
        }
    }
}
