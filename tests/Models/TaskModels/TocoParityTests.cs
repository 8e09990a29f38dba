using System.Numerics;
using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Losses.Contrast;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

/// <summary>Logits, losses, class maps and pseudo labels against the authors' code, see tests/Fixtures/wsss/make_toco.py. Weights come
/// through a file in the authors' names.</summary>
public sealed class TocoParityTests : IDisposable
{
    private const float Tolerance = 1e-5f;
    private const float MapTolerance = 1e-4f; // maps are divided by their range
    private static readonly JsonElement s_fixture = FixtureFile.Json("wsss", "toco.json");
    private static readonly DataInfo s_data = Build.Classes(4, DataTask.MultiLabel);

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("trained")]
    [InlineData("wide")]
    public void Outputs_AuthorsWeights_AreTheAuthors(string size)
    {
        using var model = Load();
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("sizes").GetProperty(size);
        var sides = expected.GetProperty("size");
        var images = Formula.Values("images", 2, 3, sides[0].GetInt64(), sides[1].GetInt64());
        using var tap = model.Tap("backbone");
        AssertClose(expected.GetProperty("cls"), model.Logits(images), "logits");
        AssertClose(expected.GetProperty("token"), tap.Values[2], "class token");
        AssertClose(expected.GetProperty("seg"), model.SegmentationLogits(images), "segmentation");
        foreach (var kind in new[] { "cam", "aux_cam" })
            AssertClose(expected.GetProperty(kind), model.ClassMaps(images, kind), kind);
        var probabilities = model.SegmentationLogits(images).softmax(1)[.., 1..];
        Assert.True((probabilities - model.ClassMaps(images, "segmentation")).abs().max().item<float>() < Tolerance);
    }

    [Fact]
    public void Scores_OverScalesAndMirrored_AreTheAuthors()
    {
        using var model = Load();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        var all = ones(2, 4);
        var (last, aux) = model.Scores(batch.Images, all);
        AssertClose(Training("cams"), last[0], "last layer", MapTolerance);
        AssertClose(Training("cams_aux"), aux[1], "earlier layer", MapTolerance);
        var (shown, _) = model.Scores(batch.Images, batch.SoftLabels!);
        Assert.True(shown.Equals(last * batch.SoftLabels!.unsqueeze(-1).unsqueeze(-1)));
    }

    [Fact]
    public void Labels_OfPixelsAndPatches_AreTheAuthors()
    {
        using var model = Load();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        var labels = new TocoLabels(0.25, 0.7);
        var (last, aux) = model.Scores(batch.Images, batch.SoftLabels!);
        AssertEqual(Training("patches"), model.PatchLabels(batch, zeros(2, 1, 4, 4), aux));
        AssertEqual(Training("regions"), labels.Regions(aux).to(ScalarType.Int64));
        SetPadding(batch);
        AssertEqual(Training("labels"), labels.Of(last, TocoLabels.Outside(batch, 32, 32)));
        AssertEqual(Training("refined"), model.PixelLabels(batch, last, batch.SoftLabels!));
    }

    [Fact]
    public void Loss_Terms_AreTheAuthors()
    {
        using var model = Load("\"ptc_weight\": 1, \"seg_weight\": 1, \"ctc_weight\": 2");
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        var early = model.Loss(batch, new Progress(2000, 4000, 0, 1));
        Assert.Equal(["cls", "cls_aux", "ptc", "ctc"], early.Keys);
        foreach (var name in new[] { "cls", "cls_aux", "ptc" })
            Assert.Equal(Training(name).GetSingle(), early[name].item<float>(), Tolerance);
        SetPadding(batch);
        var late = model.Loss(batch, new Progress(2001, 4000, 0, 1));
        Assert.Equal(Training("seg").GetSingle(), late["seg"].item<float>(), Tolerance);
        foreach (var term in late.Values)
            Assert.True(term.isfinite().item<bool>());
    }

    [Fact]
    public void Contrast_OfCrops_IsTheAuthors()
    {
        using var model = Load();
        model.train();
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("crops");
        var images = Formula.Values("images", 2, 3, 32, 32);
        Tensor token;
        using (var tap = model.Tap("backbone"))
        {
            _ = model.Logits(images);
            token = tap.Values[2].clone();
        }
        var crops = cat([.. Enumerable.Range(0, 3).Select(i => Formula.Values($"crop{i}", 2, 3, 16, 16))]);
        var positive = tensor([.. expected.GetProperty("positive").EnumerateArray().Select(value => value.GetSingle())]).view(2, 5);
        var loss = model.Contrast(token, Formula.Values("second", 2, 3, 32, 32), crops, positive);
        Assert.Equal(expected.GetProperty("ctc").GetSingle(), loss.item<float>(), Tolerance);
        AssertClose(expected.GetProperty("teacher_bias"), model.state_dict()["proj_head_t.mlp.0.bias"], "averaged projector");

        var student = Values(expected.GetProperty("student")).view(5, 2, 24);
        var teacher = Values(expected.GetProperty("teacher")).view(2, 2, 24);
        Assert.Equal(expected.GetProperty("ctc").GetSingle(), CropContrast.Of(student, teacher, positive, 0.5).item<float>(), Tolerance);
    }

    /// <summary>A file of a run on several processes, read for the classifiers alone.</summary>
    [Fact]
    public void Load_OfWrappedNamesWithoutDecoderAndCrops_HasTheAuthorsLogits()
    {
        using var model = Load("\"ctc_weight\": 0, \"seg_weight\": 0", "module.");
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("sizes").GetProperty("trained");
        AssertClose(expected.GetProperty("cls"), model.Logits(Formula.Values("images", 2, 3, 32, 32)), "logits");
        Assert.DoesNotContain(model.state_dict().Keys, key => key.StartsWith("decoder", StringComparison.Ordinal));
    }

    /// <summary>Those of the authors' network for VOC, less the class head that nothing uses and the norms of the projectors' last layers,
    /// which are 1.</summary>
    [Fact]
    public void Parameters_AreTheAuthors()
    {
        using var model = Build.From<VisionModel>(
            """
            { "type": "Toco", "backbone": { "type": "VisionTransformer", "features": "maps", "out_indices": [9, 11], "give_class_token": true } }
            """,
            Build.Classes(20, DataTask.MultiLabel)
        );
        Assert.Equal(105_625_320 - 771_048, model.parameters().Sum(parameter => parameter.numel()));
    }

    /// <summary>The model, filled by formula in the authors' names and read from a file of them.</summary>
    private Toco Load(string? option = null, string prefix = "")
    {
        var model = (Toco)
            Build.From<VisionModel>(
                $$"""
                { "type": "Toco", "projector_width": 48, "projector_dim": 24, "local_crops": 3, "local_crop_size": 16{{(
                    option is null ? "" : ", " + option
                )}},
                  "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 4, "num_heads": 4, "image_size": 32, "patch_size": 8,
                    "features": "maps", "out_indices": [1, 3], "give_class_token": true, "position_antialias": false } }
                """,
                s_data
            );
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "toco.safetensors");
        ForeignFile.Write(
            path,
            s_fixture
                .GetProperty("tensors")
                .EnumerateObject()
                .Select(entry =>
                    (prefix + entry.Name, Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(size => size.GetInt64())]))
                )
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, s_data).IsComplete); // the map is found by itself
        model.eval();
        return model;
    }

    // Rows 4 to 32 and columns 0 to 24 of the second image are no padding.
    private static void SetPadding(Batch batch) =>
        batch.Samples[1].Geometry = new Geometry(28, 24, Matrix3x2.CreateTranslation(0, 4)) { Padding = (0, 4, 8, 0) };

    private static JsonElement Training(string name) => s_fixture.GetProperty("training").GetProperty(name);

    private static Tensor Values(JsonElement numbers) => tensor([.. numbers.EnumerateArray().Select(value => value.GetSingle())]);

    private static void AssertEqual(JsonElement expected, Tensor actual) =>
        Assert.Equal(expected.EnumerateArray().Select(value => value.GetInt64()), actual.contiguous().data<long>().ToArray());

    private static void AssertClose(JsonElement expected, Tensor actual, string what, float tolerance = Tolerance)
    {
        using var scope = NewDisposeScope();
        var wanted = Values(expected);
        var difference = (wanted - actual.detach().contiguous().flatten()).abs() / wanted.abs().clamp_min(1);
        Assert.Equal(wanted.numel(), actual.numel());
        Assert.True(difference.max().item<float>() < tolerance, $"{what}: {difference.max().item<float>()}");
    }
}
