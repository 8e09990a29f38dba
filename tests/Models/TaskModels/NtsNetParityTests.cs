using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels.FineGrained;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

/// <summary>Anchors, proposals, logits, losses and gradients against the authors' code, see tests/Fixtures/models/make_nts.py. Weights come
/// through a file in the authors' names.</summary>
public sealed class NtsNetParityTests : IDisposable
{
    private const double Tolerance = 1e-4;
    private static readonly JsonElement s_fixture = FixtureFile.Json("models", "nts_net.json");
    private static readonly DataInfo s_data = Build.Classes(200);

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public static TheoryData<string> Sizes => ["published", "wide"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Anchors_AreTheAuthors(string size)
    {
        var expected = s_fixture.GetProperty("sizes").GetProperty(size);
        var (height, width) = (expected.GetProperty("size")[0].GetInt32(), expected.GetProperty("size")[1].GetInt32());
        var boxes = PartAnchors.Of(height / 32, width / 32, 32, 1.5);
        Assert.Equal(expected.GetProperty("anchors").GetInt32(), boxes.Length);
        if (size == "published")
            Assert.Equal(1614, boxes.Length);
        var edges = tensor([.. boxes.SelectMany(box => new double[] { box.Top, box.Left, box.Bottom, box.Right })]).view(-1, 4);
        ParityTests.AssertClose(expected.GetProperty("edges"), edges, "edges", 1e-9);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Evaluation_AuthorsWeights_HasTheirPartsAndLogits(string size)
    {
        using var model = Load();
        model.eval(); // the dropout of the options' default is off, as the fixture's
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var expected = s_fixture.GetProperty("sizes").GetProperty(size);
        using var batch = BatchOf(expected);
        var look = model.Look(batch.Images, 6);
        Assert.Equal(Rows(expected.GetProperty("index")), look.Chosen);
        Assert.Equal(
            expected.GetProperty("boxes").EnumerateArray().Select(Rows),
            look.Boxes.Select(of => of.Select(box => new[] { box.Top, box.Left, box.Bottom, box.Right }).ToArray())
        );
        var state = model.state_dict();
        var raw = nn.functional.linear(look.Features, state["fc.weight"], state["fc.bias"]);
        var parts = nn.functional.linear(look.PartFeatures, state["partcls_net.weight"], state["partcls_net.bias"]).view(2, 6, 200);
        ParityTests.AssertClose(expected.GetProperty("raw"), raw, "raw", Tolerance);
        ParityTests.AssertClose(expected.GetProperty("concat"), look.Concat, "concat", Tolerance);
        ParityTests.AssertClose(expected.GetProperty("parts"), parts, "parts", Tolerance);
        foreach (var (wanted, score) in expected.GetProperty("scores").EnumerateArray().Zip(look.Scores.flatten().data<float>().ToArray()))
            Assert.Equal(wanted.GetDouble(), score, 1e-5);

        // What is predicted looks at four parts alone.
        ParityTests.AssertClose(expected.GetProperty("concat"), model.Logits(batch.Images), "logits", Tolerance);
        var prediction = (ClassPrediction)model.Predict(batch)[1];
        var (top, left) = (look.Boxes[1][0].Top, look.Boxes[1][0].Left);
        Assert.Equal(16, prediction.Parts!.Length);
        Assert.Equal([Math.Max(0, left), Math.Max(0, top)], prediction.Parts[..2]);
    }

    [Fact]
    public void Training_LossesAndGradients_AreTheAuthors()
    {
        using var model = Load("\"dropout\": 0, ");
        model.to(ScalarType.Float64).train();
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("sizes").GetProperty("wide");
        using var batch = BatchOf(expected);
        batch.Images = batch.Images.to(ScalarType.Float64);
        var losses = model.Loss(batch, default);
        Assert.Equal(["raw", "concat", "parts", "rank"], losses.Keys);
        foreach (var (name, loss) in losses)
            Assert.Equal(expected.GetProperty("losses").GetProperty(name).GetDouble(), loss.to(ScalarType.Float64).item<double>(), 1e-5);
        losses.Total().backward();
        var map = model.KeyMaps["nts-net"];
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var entry in expected.GetProperty("gradients").EnumerateObject())
            ParityTests.AssertClose(entry.Value, parameters[map.Rename(entry.Name)!].grad!, entry.Name, 1e-5);
        // Images first, parts second, as the authors' network sees them.
        ParityTests.AssertClose(expected.GetProperty("running_mean"), model.state_dict()["backbone.bn1.running_mean"], "norm", Tolerance);
    }

    /// <summary>The authors' network of their paper: ResNet-50, 200 classes.</summary>
    [Fact]
    public void Parameters_AreTheAuthors()
    {
        using var model = Build.From<VisionModel>("""{ "type": "NtsNet", "backbone": { "type": "ResNet", "depth": 50 } }""", s_data);
        // ResNet-50 without classifier 23,508,032; fc and partcls_net 2 · 200 · 2,049; concat_net 200 · 10,241; proposal net 2048 · 128 · 9 +
        // 128 + 2 · (128 · 128 · 9 + 128) + 21 · 129.
        Assert.Equal(23_508_032 + 819_600 + 2_048_200 + 2_657_301, model.parameters().Sum(parameter => parameter.numel()));
    }

    private NtsNet Load(string option = "")
    {
        var model = (NtsNet)
            Build.From<VisionModel>(
                $$"""
                { "type": "NtsNet", {{option}}"backbone": { "type": "ResNet", "depth": 50, "stage_blocks": [1, 1, 1, 1], "out_indices": [3] } }
                """,
                s_data
            );
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "nts.safetensors");
        ForeignFile.Write(
            path,
            s_fixture
                .GetProperty("tensors")
                .EnumerateObject()
                .Select(entry =>
                    (entry.Name, Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(size => size.GetInt64())]))
                )
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, s_data).IsComplete); // the map is found by itself
        return model;
    }

    private static Batch BatchOf(JsonElement expected)
    {
        var size = expected.GetProperty("size");
        return new Batch
        {
            Images = Formula.Values("images", 2, 3, size[0].GetInt64(), size[1].GetInt64()),
            Samples = [new Sample { Index = 0, Name = "0" }, new Sample { Index = 1, Name = "1" }],
            Labels = tensor(new long[] { 0, 1 }),
        };
    }

    private static int[][] Rows(JsonElement rows) =>
        [.. rows.EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetInt32()).ToArray())];
}
