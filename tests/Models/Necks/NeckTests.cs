using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Necks;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Necks;

public sealed class NeckTests
{
    private sealed record Maps : IFeatureSource
    {
        public IReadOnlyList<int> OutChannels { get; } = [4, 6, 10];

        public IReadOnlyList<int> OutStrides { get; } = [4, 8, 16];
    }

    private static readonly Dictionary<string, string[]> _forms = new()
    {
        ["Fpn"] =
        [
            """{ "out_channels": 8 }""",
            """{ "out_channels": 8, "num_outs": 5 }""",
            """{ "out_channels": 8, "num_outs": 5, "start_level": 1, "add_extra_convs": "on_input", "relu_before_extra_convs": true }""",
            """{ "out_channels": 8, "num_outs": 5, "add_extra_convs": "on_lateral", "norm": "gn" }""",
            """{ "out_channels": 8, "num_outs": 4, "add_extra_convs": "on_output", "norm": "bn", "no_norm_on_lateral": true }""",
            """{ "out_channels": 8, "start_level": 0, "end_level": 1 }""",
        ],
        ["YoloxPafpn"] =
        [
            """{ "out_channels": 8, "num_csp_blocks": 1 }""",
            """{ "out_channels": 12, "num_csp_blocks": 2, "use_depthwise": true, "norm_eps": 1e-5, "norm_momentum": 0.1 }""",
        ],
        ["CspNextPafpn"] =
        [
            """{ "out_channels": 8, "num_csp_blocks": 1 }""",
            """{ "out_channels": 12, "num_csp_blocks": 2, "use_depthwise": true, "expand_ratio": 0.75 }""",
        ],
        ["HybridEncoder"] =
        [
            """{ "out_channels": 8, "num_heads": 2, "ffn_dim": 12, "num_blocks": 1, "expansion": 0.5 }""",
            """{ "out_channels": 8, "num_heads": 1, "ffn_dim": 12, "num_blocks": 2, "encode_maps": [1, 2], "encoder_layers": 2, "dropout": 0.1 }""",
        ],
        ["MultiLevelNeck"] = [], // of maps of one size; see MultiLevelNeckTests
        ["PooledMaps"] = [], // gives a vector, and has no parameters; see below
    };

    public static TheoryData<string> Necks()
    {
        var data = new TheoryData<string>();
        foreach (var neck in Build.Registry.For(typeof(Neck)))
        {
            Assert.True(_forms.ContainsKey(neck.Name), $"Say in _forms how {neck.Name} is built small.");
            foreach (var form in _forms[neck.Name])
                data.Add($$"""{ "type": "{{neck.Name}}", {{form.Trim()[1..]}}""");
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Necks))]
    public void Neck_Maps_HaveThePromisedSizesAndEveryParameterAGradient(string config)
    {
        using var neck = Build.From<Neck>(config, new Maps());
        using var scope = NewDisposeScope();
        foreach (var (height, width) in new[] { (64, 96), (52, 76) })
        {
            var maps = neck.call(Input(height, width));
            Assert.Equal(neck.OutChannels.Count, maps.Length);
            Assert.Equal(neck.OutStrides.Count, maps.Length);
            for (var i = 0; i < maps.Length; i++)
            {
                Assert.Equal([2L, neck.OutChannels[i]], maps[i].shape[..2]);
                if (height == 64)
                    Assert.Equal(
                        [(height + neck.OutStrides[i] - 1) / neck.OutStrides[i], (width + neck.OutStrides[i] - 1) / neck.OutStrides[i]],
                        maps[i].shape[2..]
                    );
                Assert.True(maps[i].isfinite().all().item<bool>());
            }
            foreach (var parameter in neck.parameters())
                parameter.grad = null;
            maps.Select(map => (map * Formula.Values("images", map.shape)).sum()).Aggregate((a, b) => a + b).backward();
            foreach (var (name, parameter) in neck.named_parameters())
                Assert.True(parameter.grad is not null && parameter.grad.abs().sum().item<float>() > 0, $"{name} is dead");
        }
    }

    [Fact]
    public void PooledMaps_AveragesEachMap_AndJoinsThemWithVectors()
    {
        using var neck = new PooledMaps(new Maps());
        using var scope = NewDisposeScope();
        var maps = Input(64, 96);
        var vector = Assert.Single(neck.call([maps[0], maps[1], maps[2].mean([2, 3])]));
        Assert.Equal([2L, neck.OutChannels[0]], vector.shape);
        var channels = (int)maps[0].shape[1];
        var (height, width) = ((int)maps[0].shape[2], (int)maps[0].shape[3]);
        var values = maps[0][1, channels - 1].data<float>().ToArray();
        Assert.Equal(values.Sum(value => (double)value) / (height * width), vector[1, channels - 1].item<float>(), 1e-5);
        Assert.Equal(maps.Sum(map => map.shape[1]), neck.OutChannels[0]);
    }

    [Fact]
    public void Fpn_TopDown_AddsTheEnlargedMapAbove()
    {
        using var neck = new Fpn(new(8), new Maps());
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var input = Input(64, 64);
        var outs = neck.call(input);
        Tensor Layer(string name, Tensor x, int padding) =>
            nn.functional.conv2d(
                x,
                neck.get_parameter(name + ".conv.weight")!,
                neck.get_parameter(name + ".conv.bias"),
                padding: [padding, padding]
            );
        var laterals = input.Select((map, i) => Layer($"lateral_convs.{i}", map, 0)).ToArray();
        for (var i = 1; i >= 0; i--)
            laterals[i] = laterals[i] + laterals[i + 1].repeat_interleave(2, 2).repeat_interleave(2, 3);
        for (var i = 0; i < 3; i++)
            Assert.InRange((outs[i] - Layer($"fpn_convs.{i}", laterals[i], 1)).abs().max().item<float>(), 0, 1e-5f);
    }

    [Theory]
    [InlineData("\"start_level\": 3", "leave none")]
    [InlineData("\"end_level\": 3", "leave none")]
    [InlineData("\"num_outs\": 2", "num_outs is 2, but 3 of the backbone's maps are used")]
    [InlineData("\"end_level\": 1, \"num_outs\": 3", "only after its last")]
    [InlineData("\"no_norm_on_lateral\": true", "no_norm_on_lateral has no meaning")]
    public void Fpn_OptionsThatDisagree_AreTheUsersMistake(string options, string expected) =>
        Assert.Contains(
            expected,
            Assert.Throws<UserErrorException>(() => Build.From<Neck>($$"""{ "type": "Fpn", {{options}} }""", new Maps())).Message,
            StringComparison.Ordinal
        );

    private sealed record Strides(params int[] Of) : IFeatureSource
    {
        public IReadOnlyList<int> OutChannels => [.. Of.Select(_ => 8)];

        public IReadOnlyList<int> OutStrides => Of;
    }

    [Theory]
    [InlineData("YoloxPafpn", 8)]
    [InlineData("YoloxPafpn", 8, 32)]
    [InlineData("CspNextPafpn", 0)]
    public void Pafpn_MapsThatDoNotHalve_AreTheUsersMistake(string name, params int[] strides) =>
        Assert.Contains(
            $"{name} joins two maps or more, each half as large as the one before; the backbone gives strides [{string.Join(", ", strides)}]",
            Assert.Throws<UserErrorException>(() => Build.From<Neck>($$"""{ "type": "{{name}}" }""", new Strides(strides))).Message,
            StringComparison.Ordinal
        );

    private static Tensor[] Input(int height, int width) =>
        [
            .. new Maps().OutChannels.Zip(
                new Maps().OutStrides,
                (channels, stride) => Formula.Values("images", 2, channels, (height + stride - 1) / stride, (width + stride - 1) / stride)
            ),
        ];
}
