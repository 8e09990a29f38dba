using Tessera.Framework.Models;
using Tessera.Onnx.Export;
using Tessera.Tests.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Onnx.Models;

/// <summary>Every registered backbone as a file equals libtorch, at two sizes and with one and three images.</summary>
public sealed class BackboneTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The first form of each, so that the tests stay short; all of them where TESSERA_TEST_FULL is 1.</summary>
    public static TheoryData<string> Configs()
    {
        var all = ((IEnumerable<object[]>)ContractConfigs.Backbones()).Select(row => (string)row[0]);
        var data = new TheoryData<string>();
        foreach (var config in Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") == "1" ? all : all.DistinctBy(Type))
            data.Add(config);
        return data;

        static string Type(string config) => config.Split('"')[3];
    }

    [Theory]
    [MemberData(nameof(Configs))]
    public void OpenBatch_AtTwoSizes_EqualsLibTorch(string config)
    {
        using var backbone = Formula.Fill(Build.From<Backbone>(config));
        backbone.eval();
        foreach (var size in new[] { 64L, 96L })
        {
            var names = Exported.Write(_folder.File("model.onnx"), backbone, backbone.call, [1, 3, size, size], OpenSides.Batch);
            if (names.Contains("images"))
                continue; // it gives the images themselves
            foreach (var count in new[] { 1L, 3L })
            {
                using var images = Formula.Values("images", count, 3, size, size);
                var difference = Exported.Difference(_folder.File("model.onnx"), names, backbone.call, images);
                Assert.True(difference <= Tolerance, $"{count} x {size}: {difference:0.0e+0}");
            }
        }
    }
}
