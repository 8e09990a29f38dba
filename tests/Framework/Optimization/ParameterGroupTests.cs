using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Tests.Framework.Running;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Linear = TorchSharp.Modules.Linear;

namespace Tessera.Tests.Framework.Optimization;

public sealed class ParameterGroupTests
{
    [Theory]
    [InlineData("fc1", "fc1.weight", true)]
    [InlineData("fc1", "backbone.fc1.weight", true)]
    [InlineData("fc1", "fc10.weight", false)]
    [InlineData("layer4.0", "backbone.layer4.0.conv1.weight", true)]
    [InlineData("layer4.0", "backbone.layer4.01.weight", false)]
    [InlineData("*.weight", "backbone.fc.weight", true)]
    [InlineData("backbone.*", "head.backbone.fc.weight", false)]
    [InlineData("a.c", "abc", false)]
    public void Pattern_Matches(string pattern, string name, bool expected) =>
        Assert.Equal(expected, new NamePattern(pattern).Matches(name));

    [Fact]
    public void Split_NormAndBias_AreShorthands()
    {
        using var model = new TinyModel();
        var groups = Split(model, new() { ["norm"] = new(DecayMult: 0), ["bias"] = new(LrMult: 2, DecayMult: 0.5) });
        Assert.Equal((1, 1), Multipliers(groups, "fc1.weight"));
        Assert.Equal((2, 0.5), Multipliers(groups, "fc1.bias"));
        Assert.Equal((1, 0), Multipliers(groups, "bn.weight"));
        Assert.Equal((1, 0), Multipliers(groups, "bn.bias")); // a norm's bias is the norm's
    }

    /// <summary>A plugin's norm that isn't marked gets the decay of every layer; it is said, once for its type.</summary>
    [Fact]
    public void UnmarkedNorms_AreNamed_MarkedOnesAndOtherScalesAreNot()
    {
        using var model = Sequential(
            ("a", new RootMeanNorm()),
            ("b", new RootMeanNorm()),
            ("c", new MarkedNorm()),
            ("d", new Scale()),
            ("e", BatchNorm1d(2))
        );
        Assert.Equal(
            [
                "RootMeanNorm (a) does not bear INormalization, so it is no norm to optimizer.groups.norm, weight penalties and "
                    + "train.norm_eval.",
            ],
            ParameterGroups.UnmarkedNorms(model)
        );
    }

    private class Scale : Module<Tensor, Tensor>
    {
        protected readonly TorchSharp.Modules.Parameter weight = Parameter(ones(2));

        public Scale()
            : base("scale") => RegisterComponents();

        public override Tensor forward(Tensor x) => x * weight;
    }

    private sealed class RootMeanNorm : Scale;

    private sealed class MarkedNorm : Scale, INormalization;

    [Fact]
    public void Split_LongestPatternWins_ShorthandsMultiply()
    {
        using var model = new TinyModel();
        var groups = Split(
            model,
            new()
            {
                ["fc2"] = new(LrMult: 10),
                ["fc2.bias"] = new(LrMult: 3),
                ["bias"] = new(DecayMult: 0),
            }
        );
        Assert.Equal((10, 1), Multipliers(groups, "fc2.weight"));
        Assert.Equal((3, 0), Multipliers(groups, "fc2.bias"));
    }

    [Fact]
    public void Split_PatternThatMatchesNothing_IsAMistake()
    {
        using var model = new TinyModel();
        var error = Assert.Throws<UserErrorException>(() => Split(model, new() { ["decode_head"] = new(LrMult: 10) }));
        Assert.Contains("\"decode_head\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("fc1.weight", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Split_EveryTrainableParameterIsInOneGroup()
    {
        using var model = new TinyModel();
        ParameterGroups.Freeze(model, ["fc1.bias"]);
        var names = Split(model, new() { ["norm"] = new(DecayMult: 0) }).SelectMany(group => group.Names).ToArray();
        Assert.Equal(model.named_parameters().Select(p => p.name).Where(name => name != "fc1.bias").Order(), names.Order());
    }

    [Fact]
    public void Split_LayerDecay_FollowsTheBackbonesDepth()
    {
        using var model = new Deep();
        var groups = ParameterGroups.Split(model, new AdamW(new AdamWOptions(1)) { LayerDecay = 0.5 });
        // MMPretrain: the head and what follows the blocks learn at 1, the one block at 0.5, the stem at 0.25.
        Assert.Equal(0.25, Multipliers(groups, "backbone.stem.weight").Lr, 1e-12);
        Assert.Equal(0.5, Multipliers(groups, "backbone.body.weight").Lr, 1e-12);
        Assert.Equal(1, Multipliers(groups, "backbone.top.weight").Lr, 1e-12);
        Assert.Equal(1, Multipliers(groups, "head.weight").Lr, 1e-12);
    }

    [Theory]
    [InlineData(LayerDecayNorm.LastBlock, 0.25, 0.5, 0.5)] // timm
    [InlineData(LayerDecayNorm.Own, 0.125, 0.25, 0.5)] // 3 layers below the head
    public void Split_LayerDecayNorm_SaysWhereTheLastNormBelongs(LayerDecayNorm norm, double stem, double body, double top)
    {
        using var model = new Deep();
        var groups = ParameterGroups.Split(model, new AdamW(new AdamWOptions(1)) { LayerDecay = 0.5, LayerDecayNorm = norm });
        Assert.Equal(stem, Multipliers(groups, "backbone.stem.weight").Lr, 1e-12);
        Assert.Equal(body, Multipliers(groups, "backbone.body.weight").Lr, 1e-12);
        Assert.Equal(top, Multipliers(groups, "backbone.top.weight").Lr, 1e-12);
        Assert.Equal(1, Multipliers(groups, "head.weight").Lr, 1e-12);
    }

    [Fact]
    public void LpPenalty_IsWeightTimesTheSumOfPowers()
    {
        using var weight = tensor(new[] { 1f, -2f, 3f });
        Assert.Equal(0.5f * (1 + 8 + 27), new LpPenalty(new LpPenaltyOptions(0.5, 3)).Compute([weight]).item<float>(), 1e-4f);
        Assert.Equal(0.5f * 6, new L1Penalty(new L1PenaltyOptions(0.5)).Compute([weight]).item<float>(), 1e-5f);
    }

    [Fact]
    public void Penalty_WithoutPatterns_LeavesNormsAndBiasesAlone()
    {
        using var model = new TinyModel();
        var chosen = new L1Penalty(new L1PenaltyOptions(1)).Select(model);
        Assert.Equal([12 * 8L, 8 * 3L], chosen.Select(tensor => tensor.numel()));
    }

    /// <summary>A convolution within a module that is called after the norm it holds too is no norm.</summary>
    [Fact]
    public void Penalty_ConvolutionBesideItsNorm_IsPenalised()
    {
        using var model = new PairNorm();
        Assert.Equal([2 * 3L], new L1Penalty(new L1PenaltyOptions(1)).Select(model).Select(tensor => tensor.numel()));
        Assert.Equal(["bn"], model.named_modules().Where(child => child.module.IsNormalization()).Select(child => child.name));
        using var outer = nn.Sequential(("pair", new PairNorm()));
        Assert.Equal([2 * 3L], new L1Penalty(new L1PenaltyOptions(1)).Select(outer).Select(tensor => tensor.numel()));
    }

    [Fact]
    public void LossScaler_HalvesOnOverflowAndDoublesAfterManyGoodSteps()
    {
        var scaler = new LossScaler();
        using var good = tensor(new[] { 65536f, 2f });
        Assert.True(scaler.Unscale([good]));
        Assert.Equal([1f, 2f / 65536], good.data<float>().ToArray());
        using var bad = tensor(new[] { 1f, float.PositiveInfinity });
        var finite = scaler.Unscale([good, bad]);
        Assert.False(finite);
        scaler.Update(finite);
        Assert.Equal(32768, scaler.Scale);
        for (var i = 0; i < LossScaler.GrowthInterval; i++)
            scaler.Update(true);
        Assert.Equal(65536, scaler.Scale);
    }

    private static IReadOnlyList<ParameterGroup> Split(nn.Module model, Dictionary<string, GroupOptions> groups) =>
        ParameterGroups.Split(model, new Sgd(new SgdOptions(1)) { Groups = groups });

    private static (double Lr, double Decay) Multipliers(IReadOnlyList<ParameterGroup> groups, string name)
    {
        var group = Assert.Single(groups, group => group.Names.Contains(name));
        return (group.LrMult, group.DecayMult);
    }

    private sealed class PairNorm : nn.Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Conv2d conv = Conv2d(3, 2, 1, bias: false);
        private readonly TorchSharp.Modules.BatchNorm2d bn = BatchNorm2d(2);

        public PairNorm()
            : base(nameof(PairNorm)) => RegisterComponents();

        public override Tensor forward(Tensor input) => bn.call(conv.call(input));
    }

    private sealed class Deep : nn.Module
    {
        private readonly Layers backbone = new();
        private readonly Linear head = Linear(2, 2, hasBias: false);

        public Deep()
            : base(nameof(Deep)) => RegisterComponents();

        public nn.Module[] Parts => [backbone, head];
    }

    private sealed class Layers : Backbone
    {
        private readonly Linear stem = Linear(2, 2, hasBias: false);
        private readonly Linear body = Linear(2, 2, hasBias: false);
        private readonly Linear top = Linear(2, 2, hasBias: false);

        public Layers()
            : base(nameof(Layers)) => RegisterComponents();

        public override IReadOnlyList<int> OutChannels => [2];

        public override IReadOnlyList<int> OutStrides => [1];

        public override ParameterLayers LayersByDepth =>
            new(
                ["stem"],
                [
                    ["body"],
                ]
            );

        public override Tensor[] forward(Tensor input) => [top.call(body.call(stem.call(input)))];
    }
}
