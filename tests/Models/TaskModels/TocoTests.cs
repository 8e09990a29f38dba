using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Models.Losses.Contrast;
using Tessera.Models.TaskModels;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

[Collection(ProcessWide.Name)] // draws from libtorch's source of random numbers
public sealed class TocoTests
{
    private const string Backbone = """
        "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 32, "patch_size": 8,
          "features": "maps", "out_indices": [1, 2], "give_class_token": true }
        """;
    private const string Small = "\"projector_width\": 16, \"projector_dim\": 8, \"local_crops\": 3, \"local_crop_size\": 16";

    private static readonly DataInfo s_data = Build.Classes(4, DataTask.MultiLabel);
    private static readonly Progress s_late = new(3000, 4000, 0, 1);

    [Fact]
    public void PatchTokenContrast_ByHand()
    {
        using var scope = NewDisposeScope();
        // Patches (2, 0), (1, 0), (0, 3) and one that is ignored.
        var map = tensor(new float[] { 2, 1, 0, 1, 0, 0, 3, 1 }).reshape(1, 2, 2, 2);
        var labels = tensor(new long[] { 1, 1, 0, 255 }).reshape(1, 2, 2);
        // Two pairs of one label with cosine 1, four of different ones with 0: ½ (1 − 2 / 3) + ½ 0.
        Assert.Equal(1f / 6, PatchTokenContrast.Of(map, labels).item<float>(), 1e-6f);
        // The first two apart: no pair of one label; of six pairs two have cosine 1: ½ + ½ · 2 / 7.
        labels = tensor(new long[] { 1, 2, 0, 255 }).reshape(1, 2, 2);
        Assert.Equal(0.5f + (1f / 7), PatchTokenContrast.Of(map, labels).item<float>(), 1e-6f);
        // Opposite directions are alike.
        map = tensor(new float[] { 2, -1, 0, 0 }).reshape(1, 2, 1, 2);
        Assert.Equal(1f / 6, PatchTokenContrast.Of(map, ones([1, 1, 2], ScalarType.Int64)).item<float>(), 1e-6f);
    }

    [Fact]
    public void CropContrast_ByHand()
    {
        using var scope = NewDisposeScope();
        // All products are 0, s = 1: (2 ln 2.0001 + ln 2.0001) / 2.0001 for two positive crops and a negative one.
        var loss = CropContrast.Of(zeros(3, 1, 4), ones(2, 1, 4), tensor(new float[] { 1, 1, 0 }).view(1, 3), 0.5);
        Assert.Equal(3 * Math.Log(2.0001) / 2.0001, loss.item<float>(), 1e-5);
        // A negative crop of product 1 at temperature 0.5, e² = 7.389056: (ln 8.389156 + ln 8.389156) / 1.0001.
        var student = tensor(new float[] { 0, 1 }).view(2, 1, 1);
        loss = CropContrast.Of(student, ones(2, 1, 1), tensor(new float[] { 1, 0 }).view(1, 2), 0.5);
        Assert.Equal(2 * Math.Log(8.389156) / 1.0001, loss.item<float>(), 1e-5);
    }

    [Fact]
    public void LocalCrops_LieAroundUncertainPlaces()
    {
        using var scope = NewDisposeScope();
        var (height, width, size) = (30, 40, 8);
        // Colours are the column and the row, so that a crop's mean tells where it lies, whatever its contrast.
        var columns = arange(width, dtype: ScalarType.Float32).expand(height, -1);
        var rows = arange(height, dtype: ScalarType.Float32).unsqueeze(1).expand(-1, width);
        var images = stack([columns, rows, zeros(height, width)]).unsqueeze(0).repeat(2, 1, 1, 1);
        var regions = full([2, height, width], 2, ScalarType.Byte);
        regions[0, 10..20, 5..12] = tensor((byte)1);
        regions[1, ..12] = tensor((byte)0);
        var (crops, positive) = new TocoViews(new RandomSource(5)).Local(images, regions, 6, size);
        Assert.Equal([12, 3, size, size], crops.shape);
        Assert.Equal([2, 8], positive.shape);
        var (found, places) = (regions.data<byte>().ToArray(), new HashSet<(int, int, int)>());
        for (var c = 0; c < 6; c++)
        for (var i = 0; i < 2; i++)
        {
            var crop = crops[(c * 2) + i];
            var left = (int)Math.Round(crop[0].mean().item<float>() - ((size - 1) / 2.0));
            var top = (int)Math.Round(crop[1].mean().item<float>() - ((size - 1) / 2.0));
            Assert.InRange(found[(((i * height) + top + 4) * width) + left + 4], 0, 1);
            Assert.True(places.Add((i, top, left)), "a crop comes twice");
            var sum = 0;
            for (var y = 0; y < size; y++)
            for (var x = 0; x < size; x++)
                sum += found[(((i * height) + top + y) * width) + left + x];
            Assert.Equal(sum <= 0.2 * size * size ? 0 : 1, positive[i, 2 + c].item<float>());
        }
        Assert.True(positive[.., ..2].Equals(ones(2, 2)));
        Assert.True(positive[1].eq(0).any().item<bool>());
        // No uncertain place: crops from anywhere, all of objects.
        var (_, objects) = new TocoViews(new RandomSource(5)).Local(images, full_like(regions, 2), 6, size);
        Assert.True(objects.Equals(ones(2, 8)));
        // Fewer places than crops: 1 x 1.
        var (same, _) = new TocoViews(new RandomSource(1)).Local(zeros(2, 3, 31, 31), zeros([2, 31, 31], ScalarType.Byte), 5, 30);
        Assert.Equal([10, 3, 30, 30], same.shape);
    }

    [Fact]
    public void WholeView_IsALargePartOfEachImage()
    {
        using var scope = NewDisposeScope();
        var columns = arange(40, dtype: ScalarType.Float32).expand(1, 3, 24, -1).repeat(20, 1, 1, 1);
        var views = new TocoViews(new RandomSource(3)).Whole(columns);
        Assert.Equal(columns.shape, views.shape);
        Assert.Contains(views.select(3, 0).mean([1, 2]).data<float>().ToArray(), value => value > 20); // mirrored
        Assert.Contains(views.select(3, 0).mean([1, 2]).data<float>().ToArray(), value => value < 20);
        Assert.True(views.Equals(new TocoViews(new RandomSource(3)).Whole(columns)));
        Assert.False(views.Equals(new TocoViews(new RandomSource(4)).Whole(columns)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Loss_Backward_ReachesEveryParameterThatIsTrained(bool autocast)
    {
        using var model = Model();
        model.train();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        LossMap losses;
        using (autocast && Autocast.IsAvailable ? Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16) : Autocast.Unchanged)
            losses = model.Loss(batch, s_late);
        Assert.Equal(["cls", "cls_aux", "ptc", "ctc", "seg"], losses.Keys);
        losses.Total().backward();
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (name.StartsWith("proj_head_t.", StringComparison.Ordinal))
                Assert.False(parameter.requires_grad, name);
            else
                Assert.True(parameter.grad is { } gradient && gradient.abs().sum().item<float>() > 0, name);
        }
    }

    [Fact]
    public void Contrasts_UnderAutocast_AreComputedInFloat32()
    {
        using var scope = NewDisposeScope();
        var (map, labels) = (Formula.Values("images", 2, 8, 4, 4), Formula.Values("labels", 32).gt(0).to(ScalarType.Int64).view(2, 4, 4));
        var (student, teacher) = (Formula.Values("student", 5, 2, 8), Formula.Values("teacher", 2, 2, 8));
        var positive = tensor(new float[] { 1, 1, 0, 1, 0, 1, 1, 0, 0, 1 }).view(2, 5);
        var exact = (Patches(), Crops());
        using (Autocast.IsAvailable ? Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16) : Autocast.Unchanged)
            Assert.Equal(exact, (Patches(), Crops()));

        float Patches() => PatchTokenContrast.Of(map, labels).item<float>();
        float Crops() => CropContrast.Of(student, teacher, positive, 0.5).item<float>();
    }

    [Fact]
    public void Loss_OfAResumedModel_IsTheSameToTheBit()
    {
        using var first = Model();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        first.train();
        _ = first.Loss(batch, s_late); // moves the averaged projector
        using var second = Model();
        second.load_state_dict(first.state_dict());
        second.train();
        var state = random.get_rng_state();
        var wanted = first.Loss(batch, s_late);
        random.set_rng_state(state);
        var again = second.Loss(batch, s_late);
        foreach (var (name, term) in wanted)
            Assert.Equal(term.item<float>(), again[name].item<float>());
        Assert.True(first.state_dict()["proj_head_t.mlp.2.weight"].Equals(second.state_dict()["proj_head_t.mlp.2.weight"]));
    }

    [Fact]
    public void AveragedProjector_BeginsAlikeAndFollowsInTrainingAlone()
    {
        using var model = (Toco)Build.From<VisionModel>($$"""{ "type": "Toco", "momentum": 0.75, {{Small}}, {{Backbone}} }""", s_data);
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        var state = model.state_dict();
        var (student, teacher) = (state["proj_head.last_layer.weight_v"], state["proj_head_t.last_layer.weight_v"]);
        Assert.True(student.Equals(teacher));
        using (no_grad())
            student.add_(1);
        var before = teacher.clone();
        model.eval();
        _ = model.Loss(batch, s_late);
        Assert.True(before.Equals(teacher));
        model.train();
        _ = model.Loss(batch, s_late);
        Assert.True(((before * 0.75) + (student * 0.25) - teacher).abs().max().item<float>() < 1e-6f);
    }

    [Fact]
    public void Weights_OfNothing_LeaveTermsOut()
    {
        using var model = Model("\"ptc_weight\": 0, \"ctc_weight\": 0, \"seg_weight\": 0");
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        Assert.Equal(["cls", "cls_aux"], model.Loss(batch, s_late).Keys);
        Assert.Equal(["cam", "aux_cam"], model.MapKinds);
        Assert.DoesNotContain(model.state_dict().Keys, key => key.StartsWith("proj", StringComparison.Ordinal));
        Assert.Contains("aux_cam", Assert.Throws<UserErrorException>(() => model.ClassMaps(batch.Images, "aux_cm")).Message);
        Assert.Contains("seg_weight", Assert.Throws<UserErrorException>(() => model.SegmentationLogits(batch.Images)).Message);
        var doubled = Model("\"ptc_weight\": 2, \"ctc_weight\": 0");
        var single = Model("\"ptc_weight\": 1, \"ctc_weight\": 0");
        Assert.Equal(2 * single.Loss(batch, s_late)["ptc"].item<float>(), doubled.Loss(batch, s_late)["ptc"].item<float>(), 1e-6f);
    }

    [Fact]
    public void Padding_OfAnImage_IsOutside()
    {
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        Assert.Null(TocoLabels.Outside(batch, 4, 4));
        batch.Samples[1].Geometry = new Geometry(16, 20, Matrix3x2.Identity) { Padding = (0, 12, 12, 4) };
        var outside = TocoLabels.Outside(batch, 4, 4)!;
        Assert.False(outside[0].any().item<bool>());
        // Centres at 4, 12, 20 and 28: rows from 12 to 28 and columns to 20 are inside.
        var expected = new[] { 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1 };
        Assert.Equal(expected, outside[1].to(ScalarType.Int32).flatten().data<int>().ToArray());
    }

    [Fact]
    public void Images_WithoutClasses_AreBackground()
    {
        using var model = Model();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        batch.SoftLabels!.zero_();
        foreach (var (name, term) in model.Loss(batch, s_late))
            Assert.True(term.isfinite().item<bool>(), name);
        Assert.True(model.PixelLabels(batch, zeros(2, 4, 32, 32), batch.SoftLabels).eq(0).all().item<bool>());
    }

    [Fact]
    public void Predict_IsTheSigmoidOfTheLogits()
    {
        using var model = Model();
        model.eval();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        var scores = model.Logits(batch.Images).sigmoid();
        foreach (var (prediction, i) in model.Predict(batch).Cast<ClassPrediction>().Select((prediction, i) => (prediction, i)))
        {
            Assert.Equal(scores[i].data<float>().ToArray(), prediction.Scores);
            Assert.Equal(prediction.Scores.Max(), prediction.Scores[prediction.Label]);
        }
    }

    [Fact]
    public void GradCam_FindsALayerOfTheGrid()
    {
        using var model = Model();
        model.eval();
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 1, 3, 24, 40);
        var target = new ClassTarget([2], s_data.Classes);
        var found = MapLayers.Find(model, images, target);
        Assert.StartsWith("backbone.", found.Name, StringComparison.Ordinal);
        Assert.Equal((3, 5), (found.Grid.Height, found.Grid.Width));
        Assert.Equal([1, 24, 40], new Explainer(model).Map(images, target, new GradCam(), [found]).shape);
    }

    [Theory]
    [InlineData("""{ "type": "Toco", "low_threshold": 0.8, BACKBONE }""", "low threshold")]
    [InlineData("""{ "type": "Toco", "cam_scales": [0], BACKBONE }""", "Scales")]
    [InlineData("""{ "type": "Toco", "backbone": { "type": "VisionTransformer", "arch": "tiny" } }""", "out_indices")]
    [InlineData(
        """{ "type": "Toco", "backbone": { "type": "VisionTransformer", "arch": "tiny", "features": "maps", "out_indices": [9, 11] } }""",
        "give_class_token"
    )]
    [InlineData("""{ "type": "Toco", "backbone": { "type": "ResNet", "depth": 18, "out_indices": [2, 3] } }""", "one size")]
    [InlineData(
        """{ "type": "Toco", "backbone": { "type": "VisionTransformer", "arch": "tiny", "give_class_token": true } }""",
        "belongs to features"
    )]
    public void Options_ThatDontFit_AreTold(string config, string says)
    {
        var error = Assert.Throws<UserErrorException>(() =>
            Build.From<VisionModel>(config.Replace("BACKBONE", Backbone, StringComparison.Ordinal), s_data)
        );
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Crops_LargerThanImages_AreTold()
    {
        using var model = Model("\"local_crop_size\": 33");
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        var error = Assert.Throws<UserErrorException>(() => model.Loss(batch, s_late));
        Assert.Contains("32 x 32", error.Message, StringComparison.Ordinal);
    }

    private static Toco Model(string? options = null)
    {
        var small = options?.Contains("local_crop_size", StringComparison.Ordinal) == true ? Small[..Small.LastIndexOf(',')] : Small;
        return Formula.Fill(
            (Toco)
                Build.From<VisionModel>(
                    $$"""{ "type": "Toco", {{small}}, {{(options is null ? "" : options + ",")}} {{Backbone}} }""",
                    s_data
                )
        );
    }
}
