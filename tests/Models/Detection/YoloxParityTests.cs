using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>YOLOX against Megvii's code, its parts and CSPNeXt against MMDetection's; see make_yolox.py.</summary>
public sealed class YoloxParityTests
{
    private const int Height = 96;
    private const int Width = 160;

    // class, centre, width and height
    private static readonly float[][] _truth =
    [
        [
            1,
            40.5f,
            36.25f,
            60.5f,
            47.5f,
            3,
            95.25f,
            75.5f,
            109.5f,
            40.25f,
            4,
            110.5f,
            18.25f,
            20.25f,
            25.5f,
            1,
            44.25f,
            40.5f,
            30.5f,
            24.25f,
        ],
        [2, 35.5f, 60.25f, 30.25f, 70.5f, 0, 94.5f, 96.25f, 68.25f, 63.5f],
    ];

    private static readonly string _json = """
        { "type": "Detector",
          "backbone": { "type": "CspDarknet", "deepen_factor": 0.33, "widen_factor": WIDEN, "use_depthwise": SEPARABLE },
          "neck": { "type": "YoloxPafpn", "out_channels": OUT, "num_csp_blocks": 1, "use_depthwise": SEPARABLE },
          "bbox_head": { "type": "YoloxHead", "use_depthwise": SEPARABLE, "use_l1": true,
            "assigner": { "type": "SimOtaAssigner", "places": "center", "center_radius": 1.5 } } }
        """;

    [Theory]
    [InlineData("yolox_small", false)]
    [InlineData("yolox_small_separable", true)]
    public void Yolox_FormulaWeights_MatchesMegvii(string fixture, bool separable)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        using var model = Model("0.125", 32, separable, 5);
        var map = model.KeyMaps["yolox"];
        Fill(model, map, expected.GetProperty("gain").GetDouble());
        model.eval();
        using var scope = NewDisposeScope();
        using var batch = Batch();

        var outputs = model.Outputs(batch.Images);
        var names = new[] { "cls", "reg", "obj" }.SelectMany(part => Enumerable.Range(0, 3).Select(i => $"{part}{i}")).ToArray();
        foreach (var (name, output) in names.Zip(outputs))
            ParityTests.AssertClose(expected.GetProperty("outputs").GetProperty(name), output.detach(), $"{fixture} {name}");

        var losses = model.Loss(batch, default);
        var wanted = expected.GetProperty("losses");
        Assert.Equal(wanted.EnumerateObject().Count(), losses.Count);
        foreach (var loss in wanted.EnumerateObject())
            Assert.Equal(loss.Value.GetDouble(), losses[loss.Name].item<float>(), 1e-4 * loss.Value.GetDouble());
        losses.Values.Aggregate((a, b) => a + b).backward();
        var parameters = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        foreach (var gradient in expected.GetProperty("gradients").EnumerateObject())
            ParityTests.AssertClose(gradient.Value, parameters[map.Rename(gradient.Name)!].grad!, $"{fixture} {gradient.Name}", 1e-3);

        AssertAssigned(expected.GetProperty("assigned"), outputs);
        using var still = no_grad();
        AssertCandidates(
            expected,
            model.modules().OfType<BoxHead>().Single().Candidates(outputs, (Height, Width), new CandidateLimits(0.05f, 1000))
        );
    }

    [Theory]
    [InlineData("yolox_s", "0.5", 128, false)]
    [InlineData("yolox_nano", "0.25", 64, true)]
    public void Yolox_MegviisNames_AreAllFound(string name, string widen, int channels, bool separable)
    {
        using var model = Model(widen, channels, separable, 80);
        var map = model.KeyMaps["yolox"];
        AssertNames(name, model.state_dict().ToDictionary(pair => map.Publish!(pair.Key)!, pair => pair.Value.shape));
        Assert.All(model.state_dict().Keys, key => Assert.Equal(key, map.Rename(map.Publish!(key)!)));
    }

    [Fact]
    public void Parts_MmdetectionsNames_AreTheirOwn()
    {
        AssertNames(
            "mmdet_yolox_s",
            Parts(
                """{ "type": "CspDarknet", "deepen_factor": 0.33, "widen_factor": 0.5 }""",
                """{ "type": "YoloxPafpn", "out_channels": 128, "num_csp_blocks": 1 }"""
            )
        );
        AssertNames(
            "rtmdet_tiny",
            Parts(
                """{ "type": "CspNext", "deepen_factor": 0.167, "widen_factor": 0.375 }""",
                """{ "type": "CspNextPafpn", "out_channels": 96, "num_csp_blocks": 1 }"""
            )
        );

        static Dictionary<string, long[]> Parts(string first, string second)
        {
            using var backbone = Build.From<Backbone>(first);
            using var neck = Build.From<Neck>(second, backbone);
            return backbone
                .state_dict()
                .Select(pair => ("backbone." + pair.Key, pair.Value.shape))
                .Concat(neck.state_dict().Select(pair => ("neck." + pair.Key, pair.Value.shape)))
                .ToDictionary();
        }
    }

    /// <summary>In millions: the tables of Megvii's README; to the last parameter: its code.</summary>
    [Theory]
    [InlineData("nano", 0.33, 0.25, 64, 1, true, 0.91)]
    [InlineData("tiny", 0.33, 0.375, 96, 1, false, 5.06)]
    [InlineData("s", 0.33, 0.5, 128, 1, false, 8.97)]
    [InlineData("m", 0.67, 0.75, 192, 2, false, 25.3)]
    [InlineData("l", 1, 1, 256, 3, false, 54.2)]
    [InlineData("x", 1.33, 1.25, 320, 4, false, 99.1)]
    public void Yolox_EveryVariant_HasPublishedCount(
        string name,
        double deepen,
        double widen,
        int channels,
        int blocks,
        bool separable,
        double millions
    )
    {
        using var model = Build.From<VisionModel>(
            FormattableString.Invariant(
                $$"""
                { "type": "Detector", "backbone": { "type": "CspDarknet", "deepen_factor": {{deepen}}, "widen_factor": {{widen}}, "use_depthwise": {{(
                    separable ? "true" : "false"
                )}} },
                  "neck": { "type": "YoloxPafpn", "out_channels": {{channels}}, "num_csp_blocks": {{blocks}}, "use_depthwise": {{(
                    separable ? "true" : "false"
                )}} },
                  "bbox_head": { "type": "YoloxHead", "use_depthwise": {{(separable ? "true" : "false")}} } }
                """
            ),
            Build.Classes(80, DataTask.Detection)
        );
        var count = model.parameters().Sum(parameter => parameter.numel());
        Assert.Equal(FixtureFile.Json("models", "yolox_names.json").GetProperty("parameters").GetProperty(name).GetInt64(), count);
        Assert.Equal(millions, count / 1e6, 0.05);
    }

    [Theory]
    [InlineData(
        "mmdet_cspnext",
        """{ "type": "CspNext", "deepen_factor": 0.34, "widen_factor": 0.125 }""",
        """{ "type": "CspNextPafpn", "out_channels": 24, "num_csp_blocks": 1 }""",
        2,
        Height,
        Width
    )]
    [InlineData(
        "mmdet_cspnext_p6",
        """{ "type": "CspNext", "arch": "p6", "deepen_factor": 0.34, "widen_factor": 0.125, "use_depthwise": true, "channel_attention": false, "expand_ratio": 0.25, "out_indices": [1, 2, 3, 4, 5] }""",
        """{ "type": "CspNextPafpn", "out_channels": 24, "num_csp_blocks": 2, "use_depthwise": true, "expand_ratio": 0.25 }""",
        1,
        128,
        192
    )]
    [InlineData(
        "mmdet_yolox",
        """{ "type": "CspDarknet", "deepen_factor": 0.34, "widen_factor": 0.125, "use_depthwise": true }""",
        """{ "type": "YoloxPafpn", "out_channels": 24, "num_csp_blocks": 1, "use_depthwise": true }""",
        2,
        Height,
        Width
    )]
    public void Parts_FormulaWeights_MatchMmdetection(string fixture, string first, string second, int images, int height, int width)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        using var backbone = Build.From<Backbone>(first);
        using var neck = Build.From<Neck>(second, backbone);
        var gain = expected.GetProperty("gain").GetDouble();
        Assert.Equal(
            expected.GetProperty("tensors").EnumerateObject().Select(entry => entry.Name).Order(),
            Fill(backbone, "backbone.", gain).Concat(Fill(neck, "neck.", gain)).Order()
        );
        backbone.eval();
        neck.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var maps = backbone.call(Formula.Values("images", images, 3, height, width));
        var outs = neck.call(maps);
        var outputs = expected.GetProperty("outputs");
        Assert.Equal(outputs.EnumerateObject().Count(), maps.Length + outs.Length);
        for (var i = 0; i < maps.Length; i++)
        {
            // Values grow to thousands within: rounding shows.
            ParityTests.AssertClose(outputs.GetProperty($"map{i}"), maps[i], $"{fixture} map {i}", 5e-4);
            ParityTests.AssertClose(outputs.GetProperty($"out{i}"), outs[i], $"{fixture} out {i}", 5e-4);
        }
    }

    [Fact]
    public void Yolox_MegviisFile_IsReadWhole_AndAnothersWidthIsSaid()
    {
        var data = Build.Classes(5, DataTask.Detection);
        using var from = Formula.Fill(Model("0.125", 32, false, 5));
        using var into = Model("0.125", 32, false, 5);
        using var wider = Model("0.25", 64, false, 5);
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using var scope = NewDisposeScope();
            var state = from.state_dict().Where(entry => !entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToArray();
            ForeignFile.Write(path, state.Select(entry => (from.KeyMaps["yolox"].Publish!(entry.Key)!, entry.Value)));
            Assert.True(ForeignWeights.LoadWhole(into, path, data).IsComplete);
            foreach (var (name, tensor) in state)
                Assert.True(tensor.equal(into.state_dict()[name]).all().item<bool>(), name);

            var mistake = Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(wider, path, data)).Message;
            Assert.Contains("backbone.stem.conv.conv.weight", mistake, StringComparison.Ordinal);
            Assert.Contains("[8, 12, 3, 3]", mistake, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>YOLOX's weights are of BGR images: of each of the four pixels of a patch, red and blue change places.</summary>
    [Fact]
    public void Focus_InputModeBgr_ExchangesTheChannelsOfEachPixel()
    {
        using var from = Formula.Fill(Build.From<Backbone>(Small));
        using var into = Build.From<Backbone>(Small);
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using var scope = NewDisposeScope();
            using var still = no_grad();
            ForeignFile.Write(
                path,
                from.state_dict()
                    .Where(entry => !entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                    .Select(entry => (entry.Key, entry.Value))
            );
            new PretrainedInitializer(new PretrainedOptions(path, InputMode: ChannelOrder.Bgr)).Initialize(into, new InitContext());
            from.eval();
            into.eval();
            var images = Formula.Values("images", 1, 3, 64, 64);
            foreach (var (a, b) in from.call(images).Zip(into.call(images.flip(1))))
                Assert.InRange((a - b).abs().max().item<float>(), 0, 1e-5f);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private const string Small = """{ "type": "CspDarknet", "deepen_factor": 0.33, "widen_factor": 0.125, "out_indices": [1] }""";

    private static Detector Model(string widen, int channels, bool separable, int classes) =>
        (Detector)
            Build.From<VisionModel>(
                _json
                    .Replace("WIDEN", widen, StringComparison.Ordinal)
                    .Replace("OUT", $"{channels}", StringComparison.Ordinal)
                    .Replace("SEPARABLE", separable ? "true" : "false", StringComparison.Ordinal),
                Build.Classes(classes, DataTask.Detection)
            );

    private static void Fill(Detector model, KeyMap map, double gain)
    {
        Formula.Fill(model, map);
        using var still = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.dim() == 4)
                parameter.mul_(gain);
            if (name.Contains("conv_reg", StringComparison.Ordinal))
            {
                parameter.mul_(0.3);
                if (name.EndsWith("bias", StringComparison.Ordinal))
                    parameter.add_(tensor(new[] { 0.5f, 0.5f, 1, 1 }));
            }
            else if (name.Contains("conv_cls", StringComparison.Ordinal) || name.Contains("conv_obj", StringComparison.Ordinal))
            {
                parameter.mul_(1.5);
            }
        }
    }

    private static List<string> Fill(nn.Module part, string prefix, double gain)
    {
        using var still = no_grad();
        var names = new List<string>();
        foreach (var (key, tensor) in part.state_dict())
        {
            if (key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                continue;
            using var scope = NewDisposeScope();
            tensor.copy_(Formula.Values(prefix + key, tensor.shape) * (tensor.dim() == 4 ? gain : 1));
            names.Add(prefix + key);
        }
        return names;
    }

    private static Batch Batch() =>
        new()
        {
            Images = Formula.Values("images", 2, 3, Height, Width),
            Samples =
            [
                .. _truth.Select(
                    (truth, i) =>
                        new Sample
                        {
                            Index = i,
                            Name = $"{i}",
                            Truth = { Boxes = Truth(truth) },
                        }
                ),
            ],
        };

    private static Boxes Truth(float[] rows)
    {
        var boxes = rows.Chunk(5).ToArray();
        return new Boxes(
            [.. boxes.SelectMany(box => new[] { box[1] - box[3] / 2, box[2] - box[4] / 2, box[1] + box[3] / 2, box[2] + box[4] / 2 })],
            [.. boxes.Select(box => (int)box[0])],
            new bool[boxes.Length]
        );
    }

    private static void AssertNames(string name, Dictionary<string, long[]> found)
    {
        var expected = FixtureFile.Json("models", "yolox_names.json").GetProperty(name);
        foreach (var counter in found.Keys.Where(key => key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToArray())
            found.Remove(counter);
        Assert.Equal(expected.EnumerateObject().Select(entry => entry.Name).Order(), found.Keys.Order());
        foreach (var entry in expected.EnumerateObject())
            Assert.Equal(entry.Value.EnumerateArray().Select(side => side.GetInt64()), found[entry.Name]);
    }

    /// <summary>MMDetection's assigner, whose places lie in boxes or near their centres.</summary>
    private static void AssertAssigned(JsonElement expected, Tensor[] outputs)
    {
        using var still = no_grad();
        var places = new AnchorGenerator(new(Scales: [1], Ratios: [1], CenterOffset: 0.5), new Source([8, 16, 32])).Generate(
            [.. outputs[..3].Select(map => ((int)map.shape[2], (int)map.shape[3]))],
            (Height, Width)
        );
        var guesses = PlaceTargets.Guesses(
            places,
            new CellCoder(),
            PlaceTargets.Flat(outputs[..3]),
            PlaceTargets.Flat(outputs[3..6]),
            PlaceTargets.Flat(outputs[6..])
        );
        for (var image = 0; image < 2; image++)
        {
            var boxes = Truth(_truth[image]);
            var found = new SimOtaAssigner(new()).Assign(
                places,
                new TruthBoxes(BoxArray.Of(boxes.Corners), boxes.Labels, BoxArray.Empty),
                guesses[image]
            );
            var taken = Enumerable.Range(0, places.Count).Where(place => found.Boxes[place] >= 0).ToArray();
            Assert.Equal(Numbers(expected[image].GetProperty("places")), taken.Select(place => (double)place));
            Assert.Equal(Numbers(expected[image].GetProperty("boxes")), taken.Select(place => (double)found.Boxes[place]));
            foreach (var (overlap, place) in Numbers(expected[image].GetProperty("overlaps")).Zip(taken))
                Assert.Equal(overlap, found.Overlaps[place], 1e-4);
        }
    }

    private static void AssertCandidates(JsonElement expected, IReadOnlyList<Candidates> found)
    {
        for (var image = 0; image < 2; image++)
        {
            Assert.Equal(expected.GetProperty("counts")[image].GetInt32(), found[image].Count);
            var reference = expected.GetProperty("candidates")[image];
            var (scores, labels) = (Numbers(reference.GetProperty("scores")), Numbers(reference.GetProperty("labels")));
            var order = Enumerable.Range(0, found[image].Count).OrderByDescending(i => found[image].Scores[i]).ToArray();
            for (var i = 0; i < scores.Length; i++)
            {
                Assert.Equal(scores[i], found[image].Scores[order[i]], 1e-4);
                Assert.Equal(labels[i], found[image].Labels[order[i]]);
                foreach (var (side, number) in Numbers(reference.GetProperty("boxes")[i]).Index())
                    Assert.Equal(number, found[image].Corners[order[i] * 4 + side], 1e-3 * Math.Max(10, Math.Abs(number)));
            }
        }
    }

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetDouble())];
}
