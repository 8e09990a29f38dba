using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

/// <summary>Values that tests/Fixtures/torch/make_nn.py has computed with PyTorch.</summary>
internal static class Fixture
{
    public static JsonElement[] Cases(string file)
    {
        return [.. FixtureFile.Json("torch", file).GetProperty("cases").EnumerateArray()];
    }

    public static JsonElement Case(string file, string name) =>
        Cases(file).Single(element => element.GetProperty("name").GetString() == name);

    public static IEnumerable<object[]> Names(string file) =>
        Cases(file).Select(element => new object[] { element.GetProperty("name").GetString()! });

    public static Tensor Tensor(JsonElement packed, bool integers = false)
    {
        var shape = packed.GetProperty("shape").EnumerateArray().Select(extent => extent.GetInt64()).ToArray();
        var data = packed.GetProperty("data").EnumerateArray().Select(value => value.GetDouble()).ToArray();
        return tensor(data, shape, dtype: integers ? ScalarType.Int64 : ScalarType.Float32);
    }

    /// <summary>A tensor of the type that the case names (operators.json).</summary>
    public static Tensor Typed(JsonElement packed)
    {
        var shape = packed.GetProperty("shape").EnumerateArray().Select(extent => extent.GetInt64()).ToArray();
        var data = packed.GetProperty("data").EnumerateArray().ToArray();
        var type = packed.GetProperty("type").GetString()!;
        return type switch
        {
            "float32" => tensor(data.Select(value => value.GetSingle()).ToArray(), shape),
            "float64" => tensor(data.Select(value => value.GetDouble()).ToArray(), shape),
            "int64" => tensor(data.Select(value => value.GetInt64()).ToArray(), shape),
            "int32" => tensor(data.Select(value => value.GetInt32()).ToArray(), shape),
            "bool" => tensor(data.Select(value => value.GetInt32() != 0).ToArray(), shape),
            _ => throw new InvalidOperationException($"A case of the fixture has the type {type}."),
        };
    }

    /// <summary>Of the same type, shape and values; floating ones nearly.</summary>
    public static void Same(JsonElement expected, Tensor actual, string what)
    {
        var wanted = Typed(expected);
        Assert.True(wanted.dtype == actual.dtype, $"{what} is {actual.dtype} instead of {wanted.dtype}");
        Assert.Equal(wanted.shape, actual.shape);
        if (wanted.is_floating_point())
            Close(expected, actual, what);
        else
            Assert.True(wanted.Equals(actual), $"{what} differs");
    }

    public static Dictionary<string, JsonElement> Entries(JsonElement map) =>
        map.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value);

    /// <summary>The scalar whose gradients the fixtures hold.</summary>
    public static Tensor WeightedSum(Tensor output) =>
        (output * arange(output.numel(), dtype: output.dtype).cos().view(output.shape)).sum();

    public static void Close(JsonElement expected, Tensor? actual, string what, double tolerance = 2e-5)
    {
        Assert.False(actual is null, $"{what} is missing");
        var wanted = Tensor(expected);
        Assert.Equal(wanted.shape, actual!.shape);
        var difference = (wanted - actual.to(ScalarType.Float32)).abs().div_(wanted.abs().add(1)).reshape(-1);
        if (difference.numel() == 0)
            return;
        var largest = difference.max().ToDouble();
        Assert.True(largest <= tolerance, $"{what} is off by {largest:g3}");
    }
}
