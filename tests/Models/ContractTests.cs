using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Heads;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>What every registered backbone, head, loss and model promises. A component joins by being registered.</summary>
public sealed class ContractTests
{
    /// <summary>As published they leave out pixels on the right and below that a stride doesn't reach.</summary>
    private static readonly string[] s_roundDown = ["ConvNeXt", "DenseNet"];

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Backbone_Forward_GivesFiniteMapsOfPromisedSize(string config)
    {
        using var backbone = Formula.Fill(Build.From<Backbone>(config));
        backbone.eval();
        foreach (var (height, width) in new[] { (64, 64), (48, 80), (75, 53) })
        {
            using var scope = NewDisposeScope();
            var maps = backbone.call(Formula.Values("images", 2, 3, height, width));
            Assert.Equal(backbone.OutChannels.Count, maps.Length);
            Assert.Equal(backbone.OutStrides.Count, maps.Length);
            for (var i = 0; i < maps.Length; i++)
            {
                var stride = backbone.OutStrides[i];
                Assert.Equal([2, backbone.OutChannels[i]], maps[i].shape[..2]);
                Assert.Equal(stride == 0 ? 2 : 4, maps[i].dim());
                if (stride > 0)
                    foreach (var (side, length) in new[] { height, width }.Zip(maps[i].shape[2..]))
                        Assert.InRange(
                            length,
                            s_roundDown.Contains(backbone.GetName()) ? side / stride : Ceiling(side, stride),
                            Ceiling(side, stride)
                        );
                Assert.True(maps[i].isfinite().all().item<bool>());
            }
        }
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Backbone_Backward_ReachesEveryParameter(string config)
    {
        using var backbone = Formula.Fill(Build.From<Backbone>(config));
        if (!backbone.parameters().Any())
            return;
        backbone.train();
        using var scope = NewDisposeScope();
        var maps = backbone.call(Formula.Values("images", 4, 3, 64, 64));
        // Weighted by a formula, so that the sum over a normed map is not constant.
        var total = maps.Select(map => (map * Formula.Values("images", map.shape)).sum()).Aggregate((a, b) => a + b);
        total.backward();
        foreach (var (name, parameter) in backbone.named_parameters())
        {
            if (name.EndsWith(".pos.pos3.2.bias", StringComparison.Ordinal))
                continue; // added to the logits of all keys alike, which a softmax doesn't see
            Assert.True(parameter.grad is not null, $"{name} has no gradient");
            Assert.True(parameter.grad!.isfinite().all().item<bool>(), $"{name}: gradient not finite");
            Assert.True(parameter.grad.abs().sum().item<float>() > 0, $"{name}: gradient is zero");
        }
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Backbone_StateIntoAnother_GivesSameOutput(string config)
    {
        using var first = Build.From<Backbone>(config);
        using var second = Build.From<Backbone>(config);
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 4, 3, 64, 64);
        first.train();
        _ = first.call(images); // moves the norms' statistics
        second.load_state_dict(first.state_dict());
        first.eval();
        second.eval();
        foreach (var (a, b) in first.call(images).Zip(second.call(images)))
            Assert.True(a.equal(b).all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Backbone_LayersByDepth_HaveAStemAndEveryBlock(string config)
    {
        using var backbone = Build.From<Backbone>(config);
        var layers = backbone.LayersByDepth;
        var found = backbone.named_parameters().Select(p => layers.Of(p.name)).ToArray();
        if (found.Length == 0)
            return;
        Assert.Equal(Enumerable.Range(0, layers.Blocks + 1), found.Distinct().Order().Where(layer => layer <= layers.Blocks));
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Backbone_KeyMaps_AreInvertible(string config)
    {
        using var backbone = Build.From<Backbone>(config);
        foreach (var (name, map) in backbone.KeyMaps)
        {
            if (map.Publish is null)
                continue; // it only reads
            var keys = backbone.state_dict().Keys.Where(key => map.Absent?.Invoke(key) != true).ToArray();
            var foreign = keys.Select(key => map.Publish!(key)!).ToArray();
            Assert.Equal(keys.Length, foreign.Distinct().Count());
            Assert.Equal(keys, foreign.Select(key => map.Rename(key)!));
            Assert.True(map.Rename(map.Classifier + ".weight") is null, $"{name}: the classifier is no part of the backbone");
        }
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void Model_EveryModuleTapped_CapturesOutlivingDifferentiableTensors(string config)
    {
        var info = Build.Classes(5);
        using var model = Formula.Fill(
            Build.From<VisionModel>($$"""{ "type": "ImageClassifier", "backbone": {{config}}, "head": { "type": "LinearHead" } }""", info)
        );
        model.train();
        using var batch = Build.Batch(4, 64, info);
        batch.Images.requires_grad_(); // so that even what has no parameters below it has a gradient
        using var kept = NewDisposeScope();
        var taps = model.TapNames().Select(name => model.Tap(name)).ToArray();
        Tensor loss;
        using (var forward = NewDisposeScope())
        {
            loss = model.Loss(batch, default).Total();
            forward.MoveToOuter(loss);
        }

        // Of a backbone's maps only the last reaches a linear head; the others join the objective here.
        var objective = taps.Single(tap => tap.Name == "backbone")
            .Values.Aggregate(loss, (sum, map) => sum + (map * Formula.Values("images", map.shape)).mean());
        foreach (var tap in taps)
        {
            Assert.True(tap.Values.Count > 0, $"{tap.Name} did not run through call");
            foreach (var captured in tap.Values)
            {
                Assert.True(captured.isfinite().all().item<bool>(), tap.Name);
                var reached = autograd.grad([objective], [captured], retain_graph: true);
                Assert.Equal(captured.shape, reached[0].shape);
            }
        }

        using var untapped = model.Loss(batch, default).Total();
        foreach (var tap in taps)
            tap.Dispose();
        Assert.All(taps, tap => Assert.Empty(tap.Values));
    }

    private static long Ceiling(int size, int stride) => (size + stride - 1) / stride;
}
