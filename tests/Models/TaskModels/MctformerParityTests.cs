using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

/// <summary>Logits, losses and maps against the authors' code, see tests/Fixtures/wsss/make_mctformer.py. Weights come through a file in the
/// authors' names.</summary>
public sealed class MctformerParityTests : IDisposable
{
    private const float Tolerance = 1e-5f;
    private static readonly JsonElement s_fixture = FixtureFile.Json("wsss", "mctformer.json");

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public static TheoryData<string, string> Cases =>
        new()
        {
            { "v1", "trained" },
            { "v1", "wide" },
            { "v2", "trained" },
            { "v2", "wide" },
            { "plus", "trained" },
            { "plus", "wide" },
        };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_AuthorsWeights_AreTheAuthors(string version, string size)
    {
        var expected = s_fixture.GetProperty(version).GetProperty("sizes").GetProperty(size);
        foreach (var scores in version == "v1" ? ["class_tokens"] : new[] { "class_tokens", "patches" })
        {
            using var model = Load(version, $"\"scores\": \"{scores}\"");
            using var scope = NewDisposeScope();
            AssertClose(expected.GetProperty(scores), model.Logits(Images(expected)), scores);
        }
        if (version == "v1")
            return;
        using var mean = Load(version, "\"scores\": \"mean\"");
        using var both = NewDisposeScope();
        var halves = (Values(expected.GetProperty("class_tokens")) + Values(expected.GetProperty("patches"))) / 2;
        Assert.True((mean.Logits(Images(expected)).flatten() - halves).abs().max().item<float>() < Tolerance);
    }

    [Fact]
    public void Backbone_EveryBlock_GivesItsClassTokens()
    {
        using var model = Load("plus");
        foreach (var size in new[] { "trained", "wide" })
        {
            using var scope = NewDisposeScope();
            var expected = s_fixture.GetProperty("plus").GetProperty("sizes").GetProperty(size);
            using var tap = model.Tap("backbone");
            _ = model.Logits(Images(expected));
            AssertClose(expected.GetProperty("tokens"), stack([.. tap.Values.SkipLast(1)]), size);
        }
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("plus")]
    public void Loss_Terms_AreTheAuthors(string version)
    {
        using var model = Load(version);
        model.train();
        var info = Build.Classes(4, DataTask.MultiLabel);
        using var batch = Build.Batch(2, 32, info);
        using var scope = NewDisposeScope();
        var losses = model.Loss(batch, default);
        var expected = s_fixture.GetProperty(version).GetProperty("losses");
        var names = new Dictionary<string, string> { ["class_tokens"] = version == "plus" ? "mct_loss" : "cls_loss" };
        if (version != "v1")
            names["patches"] = "pat_loss";
        if (version == "plus")
            names["contrast"] = "attn_loss";
        Assert.Equal(names.Keys, losses.Keys);
        foreach (var (own, theirs) in names)
            Assert.Equal(expected.GetProperty(theirs).GetSingle(), losses[own].item<float>(), Tolerance);
        Assert.Equal(expected.GetProperty("loss").GetSingle(), losses.Total().item<float>(), 2 * Tolerance);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ClassMaps_OfEachKind_AreTheAuthors(string version, string size)
    {
        using var model = Load(version);
        var expected = s_fixture.GetProperty(version).GetProperty("sizes").GetProperty(size);
        var kinds = expected.GetProperty("maps").EnumerateObject().Select(entry => entry.Name).ToArray();
        Assert.Equal(kinds.Order(), model.MapKinds.Order());
        foreach (var kind in kinds)
        {
            using var scope = NewDisposeScope();
            AssertClose(expected.GetProperty("maps").GetProperty(kind), model.ClassMaps(Images(expected), kind, affinity: false), kind);
            var refined = model.ClassMaps(Images(expected), kind);
            AssertClose(expected.GetProperty("refined").GetProperty(kind), refined, $"{kind}, by patch affinity");
            Assert.True(refined.ge(0).all().item<bool>());
        }
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("plus")]
    public void ClassMaps_OverImageAndMirrorImage_MakeTheAuthorsSeeds(string version)
    {
        using var model = Load(version);
        var expected = s_fixture.GetProperty(version).GetProperty("sizes").GetProperty("trained");
        using var scope = NewDisposeScope();
        var images = Images(expected);
        var sum = Resized(images) + Resized(images.flip(3)).flip(3);
        foreach (var (image, classes) in expected.GetProperty("final").EnumerateArray().Index())
        {
            foreach (var entry in classes.EnumerateObject())
            {
                var map = sum[image, int.Parse(entry.Name, System.Globalization.CultureInfo.InvariantCulture)];
                AssertClose(entry.Value, (map - map.min()) / (map.max() - map.min() + 1e-8), $"class {entry.Name} of image {image}");
            }
        }

        Tensor Resized(Tensor seen) =>
            nn.functional.interpolate(
                model.ClassMaps(seen, model.MapKinds[0]),
                [32, 32],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            );
    }

    /// <summary>Those of the authors' networks for VOC, less what their forward pass doesn't use: a norm (768), V1's head (7,700), and in +
    /// the positional embedding of DeiT (75,648).</summary>
    [Theory]
    [InlineData("v1", 224, 21_687_956 - 768 - 7_700)]
    [InlineData("v2", 224, 21_749_396 - 768)]
    [InlineData("plus", 448, 22_050_836 - 768 - 75_648)]
    public void Parameters_AreTheAuthors(string version, int size, long expected)
    {
        using var model = Build.From<VisionModel>(
            $$"""{ "type": "Mctformer", "version": "{{version}}", "backbone": { "type": "MctTransformer", "image_size": {{size}} } }""",
            Build.Classes(20, DataTask.MultiLabel)
        );
        Assert.Equal(expected, model.parameters().Sum(parameter => parameter.numel()));
    }

    /// <summary>The model, filled by formula in the authors' names and read from a file of them.</summary>
    private Mctformer Load(string version, string? option = null)
    {
        var model = (Mctformer)
            Build.From<VisionModel>(
                $$"""
                { "type": "Mctformer", "version": "{{version}}", "attention_layers": 2{{(option is null ? "" : ", " + option)}},
                  "backbone": { "type": "MctTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 32, "patch_size": 8,
                    "position_offset": {{(version == "plus" ? "0" : "0.1")}} } }
                """,
                Build.Classes(4, DataTask.MultiLabel)
            );
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, version + ".safetensors");
        var tensors = s_fixture.GetProperty(version).GetProperty("tensors").EnumerateObject();
        ForeignFile.Write(
            path,
            tensors.Select(entry =>
                (entry.Name, Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(size => size.GetInt64())]))
            )
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, Build.Classes(4, DataTask.MultiLabel)).IsComplete); // the map is found by itself
        model.eval();
        return model;
    }

    private static Tensor Images(JsonElement size)
    {
        var sides = size.GetProperty("size");
        return Formula.Values("images", 2, 3, sides[0].GetInt64(), sides[1].GetInt64());
    }

    private static Tensor Values(JsonElement numbers) => tensor([.. numbers.EnumerateArray().Select(value => value.GetSingle())]);

    private static void AssertClose(JsonElement expected, Tensor actual, string what)
    {
        using var scope = NewDisposeScope();
        var wanted = Values(expected);
        var difference = (wanted - actual.detach().contiguous().flatten()).abs() / wanted.abs().clamp_min(1);
        Assert.Equal(wanted.numel(), actual.numel());
        Assert.True(difference.max().item<float>() < Tolerance, $"{what}: {difference.max().item<float>()}");
    }
}
