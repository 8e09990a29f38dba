using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Costs;

/// <summary>Runs a model once and counts, module by module.</summary>
/// <remarks>
/// Where the provider counts operators, everything is seen: products within attention, whatever a module does by itself.
/// Otherwise the convolutions and linear layers are, by their weights and outputs.
/// </remarks>
internal sealed class CostMeter
{
    private readonly Dictionary<nn.Module, ModuleCost> _costs = [];
    private readonly Stack<OperationCounts> _entered = new();
    private readonly List<Action> _remove = [];
    private OperationCounts _byHooks;

    /// <param name="model">Goes through one prediction, in evaluation mode.</param>
    /// <param name="channels">Of the image.</param>
    public static ModelCost Measure(VisionModel model, int height, int width, int channels = 3) => new CostMeter().Run(model, height, width, channels);

    private ModelCost Run(VisionModel model, int height, int width, int channels)
    {
        var order = new List<ModuleCost>();
        foreach (var (name, module) in model.named_modules().Prepend(("", model)))
        {
            if (_costs.ContainsKey(module)) continue; // the model itself may come again
            var parameters = module.parameters().ToArray();
            var cost = new ModuleCost(name, TypeName(module), parameters.Sum(p => p.numel()), parameters.Where(p => !p.requires_grad).Sum(p => p.numel()));
            order.Add(cost);
            _costs.Add(module, cost);
            Hook(module);
        }
        var training = model.training;
        model.eval();
        OperationCounts total;
        try
        {
            using var mode = no_grad();
            using var scope = NewDisposeScope();
            var sample = new Sample { Index = 0, Name = "random", Geometry = new Geometry(height, width, System.Numerics.Matrix3x2.Identity) };
            using var batch = new Batch { Images = randn(1, channels, height, width).DetachFromDisposeScope(), Samples = [sample] };
            model.Predict(batch);
            total = Now;
        }
        finally
        {
            foreach (var remove in _remove) remove();
            model.train(training);
        }
        // Modules that are only containers never run; what they cost is what their children do.
        order[0].Counts = total;
        foreach (var cost in order.Where(cost => cost.Calls == 0 && cost.Name.Length > 0).Reverse())
            cost.Counts = order.Where(child => child.Parent == cost.Name).Aggregate(default(OperationCounts), (sum, child) => sum + child.Counts);
        return new ModelCost(order, total, false);
    }

    private OperationCounts Now => _byHooks;

    private void Hook(nn.Module module)
    {
        // Hooks of the output come first: without a counter they count.
        Action? output = module switch
        {
            nn.Module<Tensor, Tensor> m => m.register_forward_hook((_, input, output) => Saw(m, input, output)!).remove,
            nn.Module<Tensor, Tensor[]> m => m.register_forward_hook((_, input, output) => Saw(m, input, output)!).remove,
            nn.Module<Tensor[], Tensor> m => m.register_forward_hook((_, input, output) => Saw(m, input[0], output)!).remove,
            nn.Module<Tensor[], Tensor[]> m => m.register_forward_hook((_, input, output) => Saw(m, input[0], output)!).remove,
            nn.Module<Tensor, Tensor, Tensor> m => m.register_forward_hook((_, input, _, output) => Saw(m, input, output)!).remove,
            nn.Module<Tensor, Tensor, Tensor, Tensor> m => m.register_forward_hook((_, input, _, _, output) => Saw(m, input, output)!).remove,
            _ => null,
        };
        if (output is not null) _remove.Add(output);
        if (ModuleHooks.Around(module, Enter, Leave) is { } around) _remove.Add(around);
    }

    private void Enter(nn.Module module) => _entered.Push(Now);

    private void Leave(nn.Module module)
    {
        var cost = _costs[module];
        cost.Counts += Now - _entered.Pop();
        cost.Calls++;
    }

    // A hook that gives null leaves the output as it is.
    private Tensor? Saw(nn.Module module, Tensor input, Tensor output)
    {
        CountByWeights(module, input, output);
        _costs[module].Output = Shape(output);
        return null;
    }

    private Tensor[]? Saw(nn.Module module, Tensor input, Tensor[] outputs)
    {
        _costs[module].Output = string.Join(" ", outputs.Select(Shape));
        return null;
    }

    private void CountByWeights(nn.Module module, Tensor input, Tensor output)
    {
        if (module.named_children().Any()) return;
        var weight = module.named_parameters(recurse: false).FirstOrDefault(parameter => parameter.name == "weight").parameter;
        var kind = module.GetType().Name;
        if (weight is null || weight.dim() < 2 || !(kind.StartsWith("Conv", StringComparison.Ordinal) || kind.StartsWith("Linear", StringComparison.Ordinal))) return;
        var applied = kind.StartsWith("ConvTranspose", StringComparison.Ordinal) ? input.numel() : output.numel();
        _byHooks += new OperationCounts(applied * (weight.numel() / weight.shape[0]), output.numel(), output.numel() * output.element_size());
    }

    private static string TypeName(nn.Module module) => module.GetType().Name.Split('`')[0];

    private static string Shape(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";
}
