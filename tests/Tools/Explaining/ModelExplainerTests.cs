using Tessera.Explaining;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Models.Explanation;
using Tessera.Tests.Tools.EndToEnd;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Explaining;

/// <summary>ModelExplainer from C#.</summary>
[Collection(InProcess.Name)]
public sealed class ModelExplainerTests(TinyRun run) : IClassFixture<TinyRun>
{
    [Fact]
    public void Explanation_IsOfTheBestClass_AndThePredictorsScore()
    {
        using var explainer = ModelExplainer.Load(run.Checkpoint, new ModelExplainerOptions { Device = "cpu" });
        using var predictor = Predictor.Load(run.Checkpoint, new PredictorOptions { Device = "cpu" });
        var image = Shape(5);
        var best = predictor.Classify(image).Best;
        var found = Assert.Single(explainer.Explain(image));
        Assert.Equal(best.Name, found.Target);
        Assert.Equal(best.Score, found.Score!.Value, 1e-5);
        Assert.Equal((32, 32), (found.Map.Height, found.Map.Width));
        Assert.Equal(("grad_cam", "Grad-CAM"), (found.Method, found.MethodTitle));
    }

    // At the last map before average and linear layer, Grad-CAM's weight of a channel is the class's own over the places' number, so
    // that a class's map is relu(Σ_c W[k, c] A_c) / n, computed here from a tap.
    [Fact]
    public void Map_IsTheClassifiersWeightsTimesTheLayer()
    {
        using var explainer = ModelExplainer.Load(run.Checkpoint, new ModelExplainerOptions { Device = "cpu" });
        var found = explainer.Explain(Shape(5), new ExplanationRequest { Targets = [explainer.Data.Classes[6]] })[0];
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var tap = explainer.Model.Tap(found.Layers[0].Name);
        using var session = Session.OfCheckpoint(run.Checkpoint, new SessionOptions { Device = "cpu" });
        var pixels = Input(session, Shape(5));
        ((IExplainable)explainer.Model).Outputs(pixels);
        var weights = explainer.Model.get_parameter("head.fc.weight")![6].view(1, -1, 1, 1);
        var map = (weights * tap.Value).sum(1, keepdim: true).clamp_min(0) / 16;
        var large = nn.functional.interpolate(map, [32, 32], mode: InterpolationMode.Bilinear, align_corners: false);
        var expected = large.cpu().data<float>().ToArray();
        Assert.Equal(32 * 32, expected.Length);
        Assert.All(expected.Zip(found.Map.Values), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void Sheet_OfManyRows_EndsWhereViewersStillOpenIt()
    {
        using var explainer = ModelExplainer.Load(run.Checkpoint, new ModelExplainerOptions { Device = "cpu" });
        var found = explainer.Explain(Shape(5))[0];
        var sheet = new ExplanationSheet();
        for (var i = 0; i < 150; i++)
            sheet.Add("image", found.ReadImage(), [(null, found)]);
        using var drawing = sheet.Draw();
        Assert.InRange(drawing.ToImage().Height, 15_000, 16_100);
    }

    [Fact]
    public void Class_ThatNothingSpeaksFor_IsSaid_AndNotStretched()
    {
        using var session = Session.OfCheckpoint(run.Checkpoint, new SessionOptions { Device = "cpu" });
        using (no_grad())
            session.Model.get_parameter("head.fc.weight")![0].fill_(-1); // features are never negative
        using var explainer = ModelExplainer.Of(session);
        var found = explainer.Explain(Shape(5), new ExplanationRequest { Targets = [explainer.Data.Classes[0]] })[0];
        Assert.Equal(MapVerdict.NegativeEverywhere, found.Range.Verdict);
        Assert.Contains($"No place speaks for {explainer.Data.Classes[0]}", found.Objection, StringComparison.Ordinal);
        IsNotColoured(found);
        IsNotColoured(found with { Range = new MapRange(MapVerdict.Constant, 2, 2) });
    }

    [Fact]
    public void Many_InBatches_AreAsOneByOne_AndLeaveNoTensors()
    {
        using var explainer = ModelExplainer.Load(run.Checkpoint, new ModelExplainerOptions { Device = "cpu" });
        ExplainedImage[] images = [.. Enumerable.Range(0, 7).Select(i => ExplainedImage.File(Shape(i), explainer.Data))];
        var request = new ExplanationRequest
        {
            Targets = ["top2"],
            Methods = [.. new[] { "grad_cam", "layer_cam" }.Select(explainer.Method)],
        };
        var single = images.SelectMany(image => explainer.Explain([image], request with { BatchSize = 1 })).ToArray();
        GC.Collect(); // what other tests left would be freed in between
        GC.WaitForPendingFinalizers();
        using var scope = NewDisposeScope();
        var before = Tensor.TotalCount;
        var many = explainer.Explain(images, request with { BatchSize = 3 }).ToArray();
        Assert.InRange(Tensor.TotalCount, 0, before);
        Assert.Equal(0, scope.DisposablesCount);
        Assert.Equal(7 * 2 * 2, many.Length);
        Assert.Equal(single.Select(one => (one.Image, one.Target, one.Method)), many.Select(one => (one.Image, one.Target, one.Method)));
        foreach (var (one, other) in single.Zip(many))
            Assert.All(one.Map.Values.Zip(other.Map.Values), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Model_InTraining_StaysAsItWas()
    {
        using var session = Session.Open(run.ConfigPath, new SessionOptions { Device = "cpu" });
        var model = session.Model;
        model.train();
        model.named_modules().First(entry => entry.name == "backbone.layer2").module.eval(); // a frozen part
        using var scope = NewDisposeScope();
        var gradient = ones_like(model.get_parameter("head.fc.weight")!);
        model.get_parameter("head.fc.weight")!.grad = gradient;
        model.get_parameter("backbone.conv1.weight")!.requires_grad = false;
        var modes = Modes();
        var state = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        using var explainer = ModelExplainer.Of(session);
        _ = explainer.Explain(Shape(3));
        Assert.Equal(modes, Modes());
        Assert.All(state, entry => Assert.True(entry.Value.equal(model.state_dict()[entry.Key]).all().item<bool>(), entry.Key));
        Assert.True(model.get_parameter("head.fc.weight")!.grad!.equal(gradient).all().item<bool>());
        Assert.All(
            model.named_parameters().Where(entry => entry.name != "head.fc.weight"),
            entry => Assert.True(entry.parameter.grad is null, entry.name)
        );
        Assert.False(model.get_parameter("backbone.conv1.weight")!.requires_grad);
        Assert.True(model.get_parameter("backbone.layer1.0.conv1.weight")!.requires_grad);

        string[] Modes() => [.. model.named_modules().Select(entry => $"{entry.name} {entry.module.training}")];
    }

    [Fact]
    public void Image_ThatCannotBeRead_IsAnError_OrLeftOut()
    {
        var path = Path.Combine(run.New(), "text.jpg");
        File.WriteAllText(path, "hello");
        using var explainer = ModelExplainer.Load(run.Checkpoint);
        Assert.Contains(
            "not an image that can be read",
            Assert.Throws<UserErrorException>(() => explainer.Explain(path)).Message,
            StringComparison.Ordinal
        );
        var told = new List<string>();
        Assert.Empty(explainer.Explain([ExplainedImage.File(path, explainer.Data)], new(), (name, _) => told.Add(name)));
        Assert.Equal([path], told);
    }

    // The photograph as it is, and no colour of the scale anywhere.
    private static void IsNotColoured(ImageExplanation explanation)
    {
        var grey = new Image(32, 32, 3);
        Array.Fill(grey.Bytes, (byte)120);
        using var drawing = ExplanationPicture.Draw(explanation, grey);
        var picture = drawing.ToImage();
        var scale = HeatColors.All.Where(color => Math.Abs(color.Red - color.Blue) > 60).ToHashSet();
        for (var i = 0; i < picture.Height * picture.Width; i++)
            Assert.DoesNotContain(new Rgb(picture.Bytes[3 * i], picture.Bytes[(3 * i) + 1], picture.Bytes[(3 * i) + 2]), scale);
    }

    private static Tensor Input(Session session, string path)
    {
        using var loader = ((IBatchLoaderFactory)session.Services.GetService(typeof(IBatchLoaderFactory))!).Create(
            new PredictionInputs([() => PredictionInput.File(0, path)], session.TrainedOn!),
            PredictionPipeline.Build(session),
            null,
            new LoaderOptions(),
            0,
            training: false
        );
        using var batch = loader.Epoch(0).Single();
        return batch.Images.clone();
    }

    private string Shape(int index)
    {
        var path = run.At($"shape{index}.png");
        File.WriteAllBytes(path, TinyRun.Png(index));
        return path;
    }
}
