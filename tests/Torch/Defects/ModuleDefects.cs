using Tessera.Torch.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.Defects;

/// <summary>Modules that TorchSharp gets wrong.</summary>
public sealed class ModuleDefects
{
    [Fact]
    public void GroupNorm_StartsFromUninitialisedMemory()
    {
        var right = true;
        for (var i = 0; i < 10; i++)
        {
            full(64, 7f).Dispose(); // memory that is likely to be given again
            using var norm = GroupNorm(4, 64);
            using var scope = NewDisposeScope();
            right &= norm.weight.eq(1).all().item<bool>() && norm.bias!.eq(0).all().item<bool>();
        }
        Mended.Not(!right, "nn.GroupNorm's first weight and bias", "Call it instead of Norms.GroupNorm.");
    }

    [Fact]
    public void MultiheadAttention_WithOtherWidthsOfKeys_Throws()
    {
        using var scope = NewDisposeScope();
        using var attention = MultiheadAttention(4, 2, kdim: 3, vdim: 2);
        var error = Record.Exception(() => attention.call(ones(3, 2, 4), ones(5, 2, 3), ones(5, 2, 2)));
        Mended.Not(error is not null, "nn.MultiheadAttention with kdim and vdim", "It can leave BannedSymbols.txt.");
    }

    private sealed class Listed : Module<Tensor, Tensor>
    {
        public readonly ModuleList<Linear> list = ModuleList(Linear(1, 1, hasBias: false), Linear(2, 2, hasBias: false));

        public Listed()
            : base(nameof(Listed)) => RegisterComponents();

        public override Tensor forward(Tensor x) => x;
    }

    [Fact]
    public void ModuleList_Changed_KeepsItsFirstNames()
    {
        using var holder = new Listed();
        var first = holder.state_dict().Keys.Order().ToList();
        var inserted = Linear(3, 3, hasBias: false);
        holder.list.Insert(0, inserted);
        var after = holder.state_dict();
        var renumbered = after.Count == 3 && after["list.0.weight"].shape.SequenceEqual([3, 3]);
        Mended.Not(!renumbered, "ModuleList.Insert", "Lists may be changed after their modules are registered.");
        Assert.Equal(first, after.Keys.Order());
        inserted.Dispose();
    }

    private sealed class Custom : Module<Tensor, Tensor>
    {
        public readonly ParameterList parameters_ = ParameterList(Parameter(zeros(1)));
        public readonly ParameterDict named = ParameterDict(("m", Parameter(zeros(2))));
        public readonly Tensor buffer = ones(2);
        public readonly Parameter own = Parameter(ones(1));

        public Custom()
            : base(nameof(Custom)) => RegisterComponents();

        public override Tensor forward(Tensor x) => x;
    }

    [Fact]
    public void Module_BuiltInsideAScope_AndKept_OutlivesIt()
    {
        Custom module;
        using (NewDisposeScope())
            module = Kept.Keep(new Custom());
        Assert.All(module.state_dict().Values, tensor => Assert.False(tensor.IsInvalid));
        var all = module.state_dict().Values.ToArray();
        Assert.Equal(4, all.Length);
        module.Dispose();
        Assert.All(all, tensor => Assert.True(tensor.IsInvalid));
    }

    [Fact]
    public void Module_BuiltInsideAScope_LosesParametersOfItsOwn()
    {
        Custom module;
        using (NewDisposeScope())
            module = new Custom();
        var lost = new Dictionary<string, bool>
        {
            ["parameter"] = module.own.IsInvalid,
            ["buffer"] = module.buffer.IsInvalid,
            ["ParameterList"] = module.parameters_[0].IsInvalid,
            ["ParameterDict"] = module.named["m"].IsInvalid,
        };
        Mended.Not(lost.Values.Any(gone => gone), "modules that are built inside a dispose scope", "Models may be built inside scopes.");
        Assert.Equal(
            ["parameter", "buffer", "ParameterList", "ParameterDict"],
            lost.Where(entry => entry.Value).Select(entry => entry.Key)
        );
    }
}
