using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>Tensors by their names alone, as tests/Fixtures/models/make_models.py has them.</summary>
internal static class Formula
{
    public static Tensor Values(string name, params long[] shape)
    {
        var (low, high) = (-1.0, 1.0);
        if (
            name.EndsWith("running_var", StringComparison.Ordinal)
            || (name.EndsWith("weight", StringComparison.Ordinal) && shape.Length == 1)
        )
        {
            (low, high) = (0.5, 1.5);
        }
        else if (shape.Length is 2 or 4 && name != "images")
        {
            high = Math.Sqrt(3.0 / shape.Skip(1).Aggregate(1L, (a, b) => a * b));
            low = -high;
        }
        else if (shape.Length == 1)
        {
            (low, high) = (-0.2, 0.2);
        }
        var random = new RandomSource(Seed(name));
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(low + ((high - low) * random.NextDouble()));
        return tensor(values).reshape(shape);
    }

    /// <summary>Fills every parameter and buffer by its name, in the words of a key map where there is one.</summary>
    public static T Fill<T>(T model, KeyMap? map = null)
        where T : nn.Module
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (key, tensor) in model.state_dict())
        {
            if (key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                continue;
            var name = key;
            if (map is not null)
            {
                name = map.Publish!(key) ?? throw new InvalidOperationException($"{key} has no foreign name.");
                Assert.Equal(key, map.Rename(name));
            }
            tensor.copy_(Values(name, tensor.shape));
        }
        return model;
    }

    // FNV-1a, 64 bits.
    private static ulong Seed(string name) => name.Aggregate(0xCBF29CE484222325UL, (state, c) => unchecked((state ^ c) * 0x100000001B3UL));
}
