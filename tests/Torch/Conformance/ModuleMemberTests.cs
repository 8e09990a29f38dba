using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Members of modules that keep books instead of computing.</summary>
public sealed class ModuleMemberTests
{
    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly Linear fc = Linear(2, 2);
        private readonly ModuleList<Linear> heads = new();
        private readonly ModuleDict<Linear> named = ModuleDict(("a", Linear(2, 2, hasBias: false)));
        private readonly Parameter gain = new(ones(1));
        private readonly Parameter lift = Parameter(zeros(1));

        public Block()
            : base("Block")
        {
            heads.Add(Linear(2, 3));
            heads.Add(Linear(2, 1));
            register_module("extra", Identity());
            register_buffer("count", zeros(1));
            register_parameter("shift", Parameter(zeros(1)));
            RegisterComponents();
        }

        public ModuleList<Linear> Heads => heads;

        public override Tensor forward(Tensor input) => (fc.call(input) * gain) + lift + get_buffer("count")! + named.Count;
    }

    private sealed class Sum : Module<Tensor, Tensor, Tensor>
    {
        public Sum()
            : base(nameof(Sum)) => RegisterComponents();

        public override Tensor forward(Tensor x, Tensor y) => x + y;
    }

    private sealed class Bare : Module
    {
        public Bare()
            : base(nameof(Bare)) => RegisterComponents();
    }

    [Fact]
    [Covers(
        "nn.Module::.ctor",
        "nn.Module`2::.ctor",
        "nn.Module`3::.ctor",
        "nn.Module::RegisterComponents",
        "nn.Module::GetName",
        "nn.Module::register_module",
        "nn.Module::register_buffer",
        "nn.Module::register_parameter",
        "nn.Module::get_buffer",
        "nn.Module::buffers",
        "nn.Module::parameters",
        "nn.Module::named_parameters",
        "nn.Module::modules",
        "nn.Module::named_modules",
        "nn.Module::named_children",
        "nn.Module::children",
        "nn.Module::state_dict",
        "nn::ModuleDict",
        "nn::Identity",
        "nn::Parameter",
        "Modules.Parameter::.ctor"
    )]
    public void Components_HaveTheNamesOfTheirFields()
    {
        using var block = new Block();
        using var bare = new Bare();
        Assert.Equal(("Block", "Bare"), (block.GetName(), bare.GetName()));
        Assert.Equal(
            [
                "count",
                "fc.bias",
                "fc.weight",
                "gain",
                "heads.0.bias",
                "heads.0.weight",
                "heads.1.bias",
                "heads.1.weight",
                "lift",
                "named.a.weight",
                "shift",
            ],
            block.state_dict().Keys.Order(StringComparer.Ordinal)
        );
        Assert.Equal(["extra", "fc", "heads", "named"], block.named_children().Select(child => child.name).Order());
        Assert.True(block.named_children().Select(child => child.module).SequenceEqual(block.children()));
        Assert.Equal(
            ["extra", "fc", "heads", "heads.0", "heads.1", "named", "named.a"],
            block.named_modules().Select(module => module.name).Order()
        );
        Assert.Equal(7, block.modules().Count());
        Assert.Equal(10, block.parameters().Count());
        Assert.Equal(block.state_dict().Keys.Except(["count"]).Order(), block.named_parameters().Select(entry => entry.name).Order());
        Assert.Single(block.buffers());
        Assert.NotNull(block.get_buffer("count"));
    }

    [Fact]
    [Covers(
        "nn.Module`2::call",
        "nn.Module`3::call",
        "nn.IModule`2::call",
        "nn.HookableModule`2::register_forward_hook",
        "nn.HookableModule`2::register_forward_pre_hook",
        "nn.HookableModule`2.HookRemover::remove",
        "nn::Identity"
    )]
    public void Call_RunsHooksAndForwardDoesNot()
    {
        using var scope = NewDisposeScope();
        using var identity = Identity();
        var seen = new List<string>();
        var remover = identity.register_forward_pre_hook((_, input) => input + 1);
        identity.register_forward_hook((_, input, output) => output * 2);
        identity.register_forward_hook(
            (_, _, _) =>
            {
                seen.Add("after");
                return null!; // leaves the output
            }
        );
        Assert.Equal(4f, identity.call(ones(1)).item<float>());
        Assert.Equal(1f, identity.forward(ones(1)).item<float>());
        remover.remove();
        Assert.Equal(2f, ((IModule<Tensor, Tensor>)identity).call(ones(1)).item<float>());
        Assert.Equal(["after", "after"], seen);
        using var sum = new Sum();
        Assert.Equal(3f, sum.call(ones(1), full(1, 2f)).item<float>());
    }

    [Fact]
    [Covers(
        "nn.Module::train",
        "nn.Module::eval",
        "nn.Module::get_training",
        "nn.Module::zero_grad",
        "nn.Module::load_state_dict",
        "ModuleExtensionMethods::to",
        "nn.Module::Dispose",
        "nn::Sequential",
        "Modules.Sequential::get_Count",
        "Modules.Sequential::get_SequentialItems"
    )]
    public void Modes_Gradients_And_Weights()
    {
        using var scope = NewDisposeScope();
        var model = Sequential(Linear(2, 2), Sequential((Module<Tensor, Tensor>[])[BatchNorm1d(2)]), ReLU());
        Assert.Equal(3, model.Count);
        Assert.Same(model.modules().First(), model[0]);
        model.eval();
        Assert.All(model.modules(), module => Assert.False(module.training));
        model.train(true);
        Assert.All(model.modules(), module => Assert.True(module.training));
        model.call(randn(3, 2)).sum().backward();
        Assert.All(model.parameters(), parameter => Assert.NotNull(parameter.grad));
        model.zero_grad(set_to_none: true);
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        var (missing, unexpected) = model.load_state_dict(
            new Dictionary<string, Tensor> { ["0.weight"] = zeros(2, 2), ["x"] = zeros(1) },
            strict: false
        );
        Assert.Contains("0.bias", missing);
        Assert.Equal(["x"], unexpected);
        Assert.Equal(0f, ((Linear)model[0]).weight.abs().sum().item<float>());
        Assert.Same(model, model.to(CPU));
        var kept = model.parameters().ToArray();
        model.Dispose();
        Assert.All(kept, parameter => Assert.True(parameter.IsInvalid));
    }

    [Fact]
    [Covers(
        "Modules.ModuleList`1::.ctor",
        "Modules.ModuleList`1::Add",
        "Modules.ModuleList`1::GetEnumerator",
        "Modules.ModuleList`1::get_Count",
        "Modules.ModuleList`1::get_Item"
    )]
    public void Lists_HoldTheirModulesInOrder()
    {
        using var block = new Block();
        Assert.Equal(2, block.Heads.Count);
        Assert.Equal([3L, 1], block.Heads.Select(head => head.out_features));
        var seen = new List<Linear>();
        foreach (var head in block.Heads)
            seen.Add(head);
        Assert.Same(block.Heads[1], seen[1]);
        using var list = new ModuleList<Linear>([Linear(1, 1)]);
        list.Add(Linear(1, 1));
        Assert.Equal(2, list.Count);
    }

    [Fact]
    [Covers(
        "Modules.Convolution::get_weight",
        "Modules.Convolution::get_bias",
        "Modules.Convolution::get_stride",
        "Modules.Convolution::get_padding",
        "Modules.Convolution::get_dilation",
        "Modules.Convolution::get_groups",
        "Modules.Convolution::get_kernel_size",
        "Modules.Convolution::get_padding_mode",
        "Modules.Convolution::get_in_channels",
        "Modules.Convolution::get_out_channels",
        "Modules.Linear::get_weight",
        "Modules.Linear::get_bias",
        "Modules.LayerNorm::get_weight",
        "Modules.Embedding::get_weight"
    )]
    public void Layers_TellWhatTheyWereMadeWith()
    {
        using var conv = Conv2d(4, 6, 3, stride: 2, padding: 1, dilation: 2, groups: 2);
        Assert.Equal([6, 2, 3, 3], conv.weight.shape);
        Assert.Equal([6], conv.bias!.shape);
        Assert.Equal([2, 2], conv.stride!);
        Assert.Equal([1, 1], conv.padding!);
        Assert.Equal([2, 2], conv.dilation!);
        Assert.Equal([3, 3], conv.kernel_size);
        Assert.Equal((2, 4, 6, PaddingModes.Zeros), (conv.groups, conv.in_channels, conv.out_channels, conv.padding_mode));
        using var plain = Conv2d(1, 1, 1, bias: false);
        Assert.Null(plain.bias);
        using var linear = Linear(3, 2, hasBias: false);
        Assert.Equal([2, 3], linear.weight.shape);
        Assert.Null(linear.bias);
        using var embedding = Embedding(4, 3);
        Assert.Equal([4, 3], embedding.weight!.shape);
        using var norm = LayerNorm(5);
        using var scope = NewDisposeScope();
        Assert.True(norm.weight.Equals(ones(5)));
    }

    [Fact]
    [Covers(
        "Modules.NormBase::get_affine",
        "Modules.NormBase::get_weight",
        "Modules.NormBase::get_bias",
        "Modules.NormBase::get_eps",
        "Modules.NormBase::get_momentum",
        "Modules.NormBase::set_momentum",
        "Modules.NormBase::get_running_mean",
        "Modules.NormBase::get_running_var",
        "Modules.NormBase::get_num_batches_tracked"
    )]
    public void BatchNorm_StartsFresh()
    {
        using var norm = BatchNorm2d(3, eps: 1e-3, momentum: 0.2);
        using var scope = NewDisposeScope();
        Assert.Equal((true, 1e-3, 0.2), (norm.affine, norm.eps, norm.momentum));
        Assert.True(
            norm.weight.Equals(ones(3))
                && norm.bias!.Equals(zeros(3))
                && norm.running_mean!.Equals(zeros(3))
                && norm.running_var!.Equals(ones(3))
        );
        Assert.Equal(0, norm.num_batches_tracked!.item<long>());
        norm.call(randn(2, 3, 2, 2));
        Assert.Equal(1, norm.num_batches_tracked!.item<long>());
        var (mean, variance) = (norm.running_mean!.clone(), norm.running_var!.clone());
        norm.momentum = 1e-300; // so little that the statistics stay as they are
        norm.call(randn(2, 3, 2, 2) + 4);
        Assert.True(norm.running_mean!.Equals(mean) && norm.running_var!.Equals(variance));
        Assert.Equal(2, norm.num_batches_tracked!.item<long>());
    }
}
