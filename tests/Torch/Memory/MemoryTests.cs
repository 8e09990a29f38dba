using System.Diagnostics;
using Tessera.Torch.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Memory;

/// <summary>Large tensors lie in a region of their own (src/Torch/Memory).</summary>
public sealed class MemoryTests
{
    /// <summary>Tensors of any size around the region's limit, made and freed in any order by several threads: none runs into
    /// another.</summary>
    [Fact]
    public void Tensors_OfAllSizes_KeepTheirValues() =>
        Parallel.For(
            0,
            4,
            thread =>
            {
                var random = new Random(thread);
                var held = new List<(Tensor Tensor, float Value)>();
                for (var step = 0; step < 400; step++)
                {
                    if (held.Count > 12 || (held.Count > 0 && random.Next(3) == 0))
                    {
                        var at = random.Next(held.Count);
                        Check(held[at]);
                        held.RemoveAt(at);
                    }
                    else
                    {
                        var value = (thread * 1000) + step;
                        held.Add((full(random.Next(1, 1 << random.Next(4, 21)), value, ScalarType.Float32), value)); // to 4 MiB
                    }
                    if (step % 50 == 0)
                        ProcessMemory.GiveBack(); // what lives must not be touched by it
                }
                held.ForEach(Check);

                static void Check((Tensor Tensor, float Value) held)
                {
                    Assert.Equal((held.Value, held.Value), (held.Tensor.min().item<float>(), held.Tensor.max().item<float>()));
                    held.Tensor.Dispose();
                }
            }
        );

    [Fact]
    public void FreedMemory_IsUsedAgain_AndGivenBack()
    {
        ProcessMemory.GiveBack();
        var before = Resident();
        for (var round = 0; round < 20; round++)
        {
            // Freed in the order made: the gaps join to one.
            var tensors = Enumerable.Range(0, 8).Select(i => ones((8 << 18) + (64 * i * round))).ToList(); // 8 MiB and some
            tensors.ForEach(tensor => tensor.Dispose());
        }
        Assert.InRange(Resident() - before, 40, 90); // 64 MiB, not 20 times as much
        ProcessMemory.GiveBack();
        Assert.InRange(Resident() - before, -100, 16);
    }

    [Fact]
    public void MoreThanTheMachineHas_IsAnError()
    {
        var error = Assert.ThrowsAny<Exception>(() => empty(1L << 45));
        Assert.Contains("memory", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64 >> 20;
    }
}
