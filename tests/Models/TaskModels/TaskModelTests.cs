using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Heads;
using Tessera.Models.TaskModels;
using Tessera.Tests.Models.Explanation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

public sealed class TaskModelTests
{
    private const string Backbone = """ "backbone": { "type": "CifarResNet", "depth": 8, "stage_channels": [4, 4, 4] } """;

    [Fact]
    public void Classifier_SingleLabel_PredictsProbabilitiesThatSumToOne()
    {
        var info = Build.Classes(3);
        using var model = Model("ImageClassifier", "LinearHead", info);
        using var batch = Build.Batch(5, 16, info);
        var predictions = Predict(model, batch).Cast<ClassPrediction>().ToArray();
        Assert.Equal(5, predictions.Length);
        Assert.All(predictions, p => Assert.Equal(1, p.Scores.Sum(), 1e-5f));
        Assert.All(predictions, p => Assert.Equal(p.Scores.Max(), p.Scores[p.Label]));
    }

    [Theory]
    [InlineData("""{ "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 8 }""", true)]
    [InlineData("""{ "type": "VisionTransformer", "arch": "tiny", "depth": 2, "image_size": 16, "patch_size": 8 }""", false)] // it attends
    public void PredictsSideBySide_WhereNoModuleMayChange(string backbone, bool expected)
    {
        var json = $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""";
        using var model = Build.From<ImageClassifier>(json, Build.Classes(3));
        Assert.Equal(expected, model.PredictsSideBySide);
        using var strange = Explained.Classifier(new FunctionalBackbone());
        Assert.False(strange.PredictsSideBySide); // another assembly's module may do anything
    }

    [Fact]
    public void Classifier_MultiLabel_ScoresEveryClassOnItsOwnAndTrainsByBinaryCrossEntropy()
    {
        var info = Build.Classes(3, DataTask.MultiLabel);
        using var model = Model("ImageClassifier", "LinearHead", info);
        using var batch = Build.Batch(4, 16, info);
        using var scope = NewDisposeScope();
        var scores = Predict(model, batch).Cast<ClassPrediction>().SelectMany(p => p.Scores).ToArray();
        var truth = batch.SoftLabels!.flatten().data<float>().ToArray();
        model.eval();
        var expected = scores.Zip(truth, (p, y) => -((y * Math.Log(p)) + ((1 - y) * Math.Log(1 - p)))).Average();
        Assert.Equal(expected, model.Loss(batch, default)["loss"].item<float>(), 1e-5);
    }

    [Theory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.MultiLabel)]
    public void Classifier_FlipsAndScales_AverageTheProbabilitiesOfEveryView(DataTask task)
    {
        var info = Build.Classes(3, task);
        var head = """ "head": { "type": "LinearHead" } """;
        using var plain = Formula.Fill(Build.From<VisionModel>($$"""{ "type": "ImageClassifier", {{Backbone}}, {{head}} }""", info));
        using var model = Formula.Fill(
            Build.From<VisionModel>(
                $$"""
                { "type": "ImageClassifier", {{Backbone}}, {{head}},
                  "test": { "scales": [1, 1.5], "weights": [3, 1], "flip": true, "flip_directions": ["horizontal", "vertical"] } }
                """,
                info
            )
        );
        using var batch = Build.Batch(2, 16, info);
        plain.eval();
        var expected = new double[2, 3];
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var larger = nn.functional.interpolate(batch.Images, [24, 24], mode: InterpolationMode.Bilinear, align_corners: false);
            foreach (var (images, weight) in new[] { (batch.Images, 0.75), (larger, 0.25) })
            foreach (
                var flip in (long[][])
                    [
                        [],
                        [3],
                        [2],
                        [2, 3],
                    ]
            )
            {
                var shown = flip.Length == 0 ? images : images.flip(flip);
                var logits = ((ImageClassifier)plain).Logits(shown);
                var seen = (task == DataTask.MultiLabel ? logits.sigmoid() : logits.softmax(1)).data<float>().ToArray();
                for (var i = 0; i < seen.Length; i++)
                    expected[i / 3, i % 3] += weight / 4 * seen[i];
            }
        }
        var found = Predict(model, batch).Cast<ClassPrediction>().ToArray();
        for (var i = 0; i < 2; i++)
        for (var c = 0; c < 3; c++)
            Assert.Equal(expected[i, c], found[i].Scores[c], 1e-5);
        // A mirrored image gives the same: its views are the same four.
        using var mirrored = Build.Batch(2, 16, info);
        mirrored.Images = mirrored.Images.flip(3);
        Assert.All(
            found.Zip(Predict(model, mirrored).Cast<ClassPrediction>()),
            pair => Assert.All(pair.First.Scores.Zip(pair.Second.Scores), scores => Assert.Equal(scores.First, scores.Second, 1e-5f))
        );
        Assert.NotEqual(found[0].Scores, Predict(plain, batch).Cast<ClassPrediction>().First().Scores);
    }

    [Theory]
    [InlineData("\"scales\": [1, 2], \"weights\": [1]", "a positive weight for each of the 2 scales")]
    [InlineData("\"scales\": [0]", "0.05 .. 20")]
    [InlineData("\"flip_directions\": [\"vertical\"]", "where test.flip is true")]
    public void Classifier_TestOptionsThatContradict_AreRefused(string test, string words)
    {
        var config = $$"""{ "type": "ImageClassifier", {{Backbone}}, "head": { "type": "LinearHead" }, "test": { {{test}} } }""";
        var error = Assert.ThrowsAny<Exception>(() => Build.From<VisionModel>(config, Build.Classes(3)));
        Assert.Contains(words, error.ToString(), StringComparison.Ordinal);
        Assert.Contains(nameof(UserErrorException), error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Classifier_SeveralLosses_AreNamedAndWeighted()
    {
        var info = Build.Classes(3);
        using var model = Build.From<VisionModel>(
            $$"""
            { "type": "ImageClassifier", {{Backbone}}, "head": { "type": "LinearHead", "losses": { "ce": { "type": "CrossEntropyLoss" }, "twice": { "type": "CrossEntropyLoss", "weight": 2 } } } }
            """,
            info
        );
        using var batch = Build.Batch(4, 16, info);
        model.eval();
        using var scope = NewDisposeScope();
        var losses = model.Loss(batch, default);
        Assert.Equal(["ce", "twice"], losses.Keys);
        Assert.Equal(2 * losses["ce"].item<float>(), losses["twice"].item<float>(), 1e-6f);
    }

    [Fact]
    public void Classifier_SoftLabels_TakePrecedence()
    {
        var info = Build.Classes(3);
        using var model = Model("ImageClassifier", "LinearHead", info);
        using var batch = Build.Batch(4, 16, info);
        model.eval();
        using var scope = NewDisposeScope();
        var hard = model.Loss(batch, default)["loss"].item<float>();
        batch.SoftLabels = nn.functional.one_hot(batch.Labels!, 3).to(ScalarType.Float32);
        batch.Labels = null;
        Assert.Equal(hard, model.Loss(batch, default)["loss"].item<float>(), 1e-6f);
    }

    [Fact]
    public void Regressor_TargetMeanAndStd_ScaleLossAndPrediction()
    {
        var info = Build.Classes(2, DataTask.Regression);
        using var plain = Model("ImageRegressor", "RegressionHead", info);
        using var scaled = Build.From<VisionModel>(
            $$"""{ "type": "ImageRegressor", {{Backbone}}, "head": { "type": "RegressionHead", "target_mean": [10, -5], "target_std": [2, 4] } }""",
            info
        );
        Formula.Fill(plain);
        scaled.load_state_dict(plain.state_dict(), strict: false);
        using var batch = Build.Batch(3, 16, info);
        var (raw, restored) = (Predict(plain, batch), Predict(scaled, batch));
        foreach (var (a, b) in raw.Cast<RegressionPrediction>().Zip(restored.Cast<RegressionPrediction>()))
        {
            Assert.Equal(10 + (2 * a.Values[0]), b.Values[0], 1e-4f);
            Assert.Equal(-5 + (4 * a.Values[1]), b.Values[1], 1e-4f);
        }

        // Truth that equals the prediction has no loss.
        using var scope = NewDisposeScope();
        batch.Targets = tensor(restored.Cast<RegressionPrediction>().SelectMany(p => p.Values).ToArray()).reshape(3, 2);
        Assert.True(scaled.Loss(batch, default)["loss"].item<float>() < 1e-8f);
    }

    [Fact]
    public void Training_AFewSteps_LearnsABatchByHeart()
    {
        var info = Build.Classes(3);
        using var model = Build.From<VisionModel>(
            """{ "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 8 }, "head": { "type": "LinearHead" } }""",
            info
        );
        using var batch = Build.Batch(6, 16, info);
        model.train();
        using var optimizer = optim.SGD(model.parameters(), 0.05, momentum: 0.9);
        var losses = new List<float>();
        for (var i = 0; i < 30; i++)
        {
            using var scope = NewDisposeScope();
            var loss = model.Loss(batch, default).Total();
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }
        Assert.True(losses[^1] < 0.1 * losses[0], $"{losses[0]} -> {losses[^1]}");
    }

    [Fact]
    public void KeyMaps_WholeClassifier_CarryTheHeadBothWays()
    {
        using var model = Model("ImageClassifier", "LinearHead", Build.Classes(3));
        var map = model.KeyMaps["akamaster"];
        Assert.Equal("head.fc.weight", map.Rename("linear.weight"));
        Assert.Equal("backbone.layer1.0.conv1.weight", map.Rename("layer1.0.conv1.weight"));
        Assert.Equal("linear.bias", map.Publish!("head.fc.bias"));
        Assert.Equal("layer2.0.bn2.weight", map.Publish!("backbone.layer2.0.bn2.weight"));
        foreach (var key in model.state_dict().Keys)
            Assert.Equal(key, map.Rename(map.Publish!(key)!));
    }

    [Fact]
    public void Tap_UnknownName_NamesTheNearest()
    {
        using var model = Model("ImageClassifier", "LinearHead", Build.Classes(3));
        var mistake = Assert.Throws<UserErrorException>(() => model.Tap("backbone.layr1"));
        Assert.Contains("Did you mean \"backbone.layer1\"?", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tap_LogitsGradient_ReachesMapsAndAttentionWeights()
    {
        using var model = (ImageClassifier)
            Build.From<VisionModel>(
                """
                { "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 4, "num_heads": 4, "image_size": 32, "patch_size": 8 },
                  "head": { "type": "LinearHead" } }
                """,
                Build.Classes(5)
            );
        Formula.Fill(model);
        model.eval();
        using var scope = NewDisposeScope();
        using var block = model.Tap("backbone.blocks.1");
        using var weights = model.Tap("backbone.blocks.3.attn.weights");
        var logits = model.Logits(Formula.Values("images", 2, 3, 32, 32));
        var gradients = autograd.grad([logits[0, 3]], [block.Value, weights.Value]);
        Assert.Equal([2, 17, 32], gradients[0].shape);
        Assert.Equal([2, 4, 17, 17], gradients[1].shape);
        // Only image 0's logit was asked for; and of the last block's queries only the class token's reaches it.
        Assert.Equal(0, gradients[0][1].abs().sum().item<float>());
        Assert.True(gradients[0][0].abs().sum().item<float>() > 0);
        Assert.True(gradients[1][0].select(1, 0).abs().sum().item<float>() > 0);
        Assert.Equal(0, gradients[1][0].narrow(1, 1, 16).abs().sum().item<float>());
    }

    [Fact]
    public void Tap_InPlaceOperationsBehindIt_DoNotReachTheCaptured()
    {
        using var model = Formula.Fill(Model("ImageClassifier", "LinearHead", Build.Classes(3)));
        using var batch = Build.Batch(2, 16, Build.Classes(3));
        using var tap = model.Tap("backbone.bn1"); // a ReLU in place follows
        _ = Predict(model, batch);
        Assert.True(tap.Value.min().item<float>() < 0);
    }

    [Fact]
    public void Tap_Disposed_LetsTheModuleGo()
    {
        using var model = Model("ImageClassifier", "LinearHead", Build.Classes(3));
        using var batch = Build.Batch(2, 16, Build.Classes(3));
        var tap = model.Tap("backbone.layer1");
        tap.Dispose();
        _ = Predict(model, batch);
        Assert.Empty(tap.Values);
    }

    [Fact]
    public void Heads_ThatDisagreeWithTheData_AreTheUsersMistake()
    {
        using var backbone = new CifarResNet(new CifarResNetOptions(8));
        Assert.Equal(
            "LinearHead: num_classes is 10, but the data has 3 classes.",
            Throws(() => new LinearHead(new(10), backbone, Build.Classes(3)))
        );
        Assert.Contains(
            "needs map_size",
            Throws(() => new LinearHead(new(Pooling: FeaturePooling.None), backbone, Build.Classes(3))),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "target_mean has 1 values",
            Throws(() => new RegressionHead(new(TargetMean: [1]), backbone, Build.Classes(2, DataTask.Regression))),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "target_std must be positive",
            Throws(() => new RegressionHead(new(TargetStd: [0]), backbone, Build.Classes(1, DataTask.Regression))),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "needs data with class labels",
            Throws(() => Model("ImageClassifier", "LinearHead", Build.Classes(3, DataTask.Regression))),
            StringComparison.Ordinal
        );

        static string Throws(Func<object> action) => Assert.Throws<UserErrorException>(action).Message;
    }

    private static VisionModel Model(string type, string head, DataInfo info) =>
        Build.From<VisionModel>($$"""{ "type": "{{type}}", {{Backbone}}, "head": { "type": "{{head}}" } }""", info);

    private static IReadOnlyList<Prediction> Predict(VisionModel model, Batch batch)
    {
        model.eval();
        using var gradients = no_grad();
        return model.Predict(batch);
    }
}
