using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.NN;

public class ModuleTests
{
    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly Linear fc = Linear(2, 2);

        [ComponentName(Name = "act.0")]
        private readonly Tensor scale = ones(2);

        [ComponentName(Name = "gain")]
        private readonly Parameter _gain = Parameter(ones(1));
        private readonly Linear[] inArray = [Linear(1, 1)];
        private readonly ModuleList<Linear> heads = ModuleList(Linear(2, 3), Linear(2, 1));
        private readonly ModuleDict<Linear> named = ModuleDict(("a", Linear(2, 2, hasBias: false)));
        private readonly ParameterList tokens = ParameterList(Parameter(zeros(1)));
        private readonly ParameterDict masks = ParameterDict(("m", Parameter(zeros(2))));
        private readonly Linear? absent = null;

        public Block()
            : base(nameof(Block)) => RegisterComponents();

        public Linear Auto { get; } = Linear(1, 1, hasBias: false);

        public override Tensor forward(Tensor input) =>
            fc.call(input) * scale * _gain
            + inArray.Length
            + (absent is null ? 0 : 1)
            + named.Count
            + tokens.Count
            + masks.Count
            + heads.Count;
    }

    [Fact]
    public void StateDict_FieldsOfEveryKind_HaveTheFieldsNames()
    {
        using var block = new Block();
        Assert.Equal(
            [
                "gain",
                "fc.weight",
                "fc.bias",
                "heads.0.weight",
                "heads.0.bias",
                "heads.1.weight",
                "heads.1.bias",
                "named.a.weight",
                "tokens.0",
                "masks.m",
                "<Auto>k__BackingField.weight",
                "act.0",
            ],
            block.state_dict().Keys
        );
        Assert.Equal(
            ["fc", "heads", "named", "tokens", "masks", "<Auto>k__BackingField", "heads.0", "heads.1", "named.a"],
            block.named_modules().Select(module => module.name)
        );
        Assert.DoesNotContain(block, block.modules());
        Assert.NotNull(block.get_parameter("heads.1.bias"));
        Assert.True(block.has_buffer("act.0"));
        Assert.False(block.has_parameter("heads.2.bias"));
    }

    [Fact]
    public void Parameter_OfATensor_TakesItOver()
    {
        var data = ones(2);
        using var parameter = new Parameter(data);
        Assert.True(data.IsInvalid);
        Assert.True(parameter.requires_grad);
        Assert.True(parameter.is_leaf);
    }

    [Fact]
    public void Eval_OfAParent_ReachesEveryChild()
    {
        using var model = Sequential(("a", Dropout()), ("b", Sequential(BatchNorm1d(2))));
        model.eval();
        Assert.All(model.modules(), module => Assert.False(module.training));
        model.train();
        Assert.All(model.modules(), module => Assert.True(module.training));
        Assert.Equal(["a", "b", "b.0"], model.named_modules().Select(module => module.name));
    }

    [Fact]
    public void LoadStateDict_StrictAndLenient_ReportWhatDiffers()
    {
        using var scope = NewDisposeScope();
        using var linear = Linear(2, 2);
        var source = new Dictionary<string, Tensor> { ["weight"] = zeros(2, 2), ["other"] = zeros(1) };
        Assert.Throws<InvalidOperationException>(() => linear.load_state_dict(source));
        var (missing, unexpected) = linear.load_state_dict(source, strict: false);
        Assert.Equal(["bias"], missing);
        Assert.Equal(["other"], unexpected);
        Assert.Equal(0f, linear.weight.abs().sum().item<float>());
        linear.load_state_dict(source, skip: ["other", "bias"]);
    }

    [Fact]
    public void To_Double_ReplacesParametersAndKeepsGradientsAndCounters()
    {
        using var scope = NewDisposeScope();
        using var model = Sequential(Linear(2, 2), BatchNorm1d(2));
        model.call(rand(3, 2)).sum().backward();
        var before = model.parameters().ToArray();
        model.to(ScalarType.Float64);
        Assert.All(model.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
        Assert.All(model.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.grad!.dtype));
        Assert.All(before, parameter => Assert.True(parameter.IsInvalid));
        Assert.Equal(ScalarType.Int64, ((BatchNorm1d)model[1]).num_batches_tracked!.dtype);
        Assert.Same(((Linear)model[0]).weight, model.get_parameter("0.weight"));
        Assert.Equal(ScalarType.Float64, model.call(rand(3, 2, dtype: ScalarType.Float64)).dtype);
    }

    [Fact]
    public void To_SameType_KeepsTheParameters()
    {
        using var linear = Linear(2, 2);
        var weight = linear.weight;
        linear.to(ScalarType.Float32);
        linear.cpu();
        Assert.Same(weight, linear.weight);
    }

    [Fact]
    public void SaveAndLoad_OfAModel_RoundTrips()
    {
        using var scope = NewDisposeScope();
        using var source = Sequential(Linear(2, 3), BatchNorm1d(3));
        using var target = Sequential(Linear(2, 3), BatchNorm1d(3));
        source.call(rand(4, 2));
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        source.save(writer);
        stream.Position = 0;
        target.load(new BinaryReader(stream));
        foreach (var (key, value) in source.state_dict())
            Assert.True(value.Equals(target.state_dict()[key]), key);

        stream.SetLength(stream.Length - 1);
        stream.Position = 0;
        Assert.Throws<EndOfStreamException>(() => target.load(new BinaryReader(stream)));
    }

    [Fact]
    public void Sequential_SliceAndAppend_ShareModules()
    {
        using var model = Sequential(Linear(2, 2), ReLU(), Linear(2, 1));
        var head = model[1..];
        Assert.Equal(2, head.Count);
        Assert.Same(model[2], head[1]);
        Assert.Equal(["2.weight", "2.bias"], head.state_dict().Keys);
        model.append(Sigmoid());
        Assert.Equal(4, model.Count);
    }

    [Fact]
    public void ParameterLessModule_GivenAParameter_Refuses()
    {
        using var relu = ReLU();
        using var parameter = Parameter(ones(1));
        Assert.Throws<InvalidOperationException>(() => relu.register_parameter("x", parameter));
    }

    [Fact]
    public void ZeroGrad_ToNone_FreesGradients()
    {
        using var scope = NewDisposeScope();
        using var linear = Linear(2, 2);
        linear.call(ones(1, 2)).sum().backward();
        linear.zero_grad(set_to_none: false);
        Assert.Equal(0f, linear.weight.grad!.abs().sum().item<float>());
        linear.zero_grad();
        Assert.Null(linear.weight.grad);
    }

    [Fact]
    public void ForwardAndBackward_InAScope_LeaveNoTensorBehind()
    {
        using var model = Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), ReLU(), Flatten(), Linear(8, 2), Dropout());
        long Step()
        {
            using (NewDisposeScope())
                functional.cross_entropy(model.call(ones(2, 1, 4, 4)), zeros(2, dtype: ScalarType.Int64)).backward();
            model.zero_grad();
            return DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        }
        var before = Step();
        for (var i = 0; i < 3; i++)
            Assert.Equal(before, Step());
    }
}
