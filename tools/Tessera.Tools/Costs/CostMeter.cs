using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Costs;

/// <summary>Runs a model once and counts, module by module, what its operators compute.</summary>
/// <remarks>Everything is seen: products within attention, whatever a module does by itself. Marks in the trace tell where modules begin
/// and end.</remarks>
internal sealed class CostMeter
{
    private readonly List<ModuleCost> _costs = []; // marks are 2 i where module i begins, 2 i + 1 where it ends
    private readonly List<Action> _remove = [];

    /// <param name="model">Goes through one prediction, in evaluation mode.</param>
    /// <param name="channels">Of the image.</param>
    /// <exception cref="UserErrorException">Operators can't be watched here.</exception>
    public static ModelCost Measure(VisionModel model, int height, int width, int channels = 3)
    {
        if (!OperatorTrace.IsAvailable)
            throw new UserErrorException("This libtorch does not let its operators be watched, so their cost can't be counted.");
        return new CostMeter().Run(model, height, width, channels);
    }

    private ModelCost Run(VisionModel model, int height, int width, int channels)
    {
        var training = model.training;
        OperatorTrace trace;
        try
        {
            Hook(model);
            model.eval();
            trace = OperatorTrace.Record(() => Predict(model, height, width, channels));
        }
        catch (IOException e)
        {
            throw new UserErrorException(e.Message, e);
        }
        finally
        {
            foreach (var remove in _remove)
                remove();
            model.train(training);
        }
        var total = Attribute(trace);
        // Modules that are only containers never run; what they cost is what their children do.
        _costs[0].Counts = total;
        foreach (var cost in _costs.Where(cost => cost.Calls == 0 && cost.Name.Length > 0).Reverse())
            cost.Counts = _costs
                .Where(child => child.Parent == cost.Name)
                .Aggregate(default(OperationCounts), (sum, child) => sum + child.Counts);
        return new ModelCost(_costs, total);
    }

    private void Hook(VisionModel model)
    {
        var known = new HashSet<nn.Module>(); // the model itself may come again
        foreach (var (name, module) in model.named_modules().Prepend(("", model)))
        {
            if (!known.Add(module))
                continue;
            var parameters = module.parameters().ToArray();
            var (all, frozen) = (parameters.Sum(p => p.numel()), parameters.Where(p => !p.requires_grad).Sum(p => p.numel()));
            var cost = new ModuleCost(name, module.GetType().Name.Split('`')[0], all, frozen);
            var begin = 2 * _costs.Count;
            _costs.Add(cost);
            var remove = ModuleHooks.Around(
                module,
                _ => OperatorTrace.Mark(begin),
                (_, output) =>
                {
                    OperatorTrace.Mark(begin + 1);
                    cost.Output = Shapes(output);
                }
            );
            if (remove is not null)
                _remove.Add(remove);
        }
    }

    private static void Predict(VisionModel model, int height, int width, int channels)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var sample = new Sample
        {
            Index = 0,
            Name = "random",
            Geometry = new Geometry(height, width, System.Numerics.Matrix3x2.Identity),
        };
        using var batch = new Batch { Images = randn(1, channels, height, width).DetachFromDisposeScope(), Samples = [sample] };
        ShapeMistake.Guard(model, batch, () => model.Predict(batch));
    }

    private OperationCounts Attribute(OperatorTrace trace)
    {
        var (total, entered) = (default(OperationCounts), new Stack<OperationCounts>());
        foreach (var (node, counts) in OperationCounts.Of(trace))
        {
            total += counts;
            if (node.Mark is not { } mark)
                continue;
            if (mark % 2 == 0)
            {
                entered.Push(total);
                continue;
            }
            _costs[mark / 2].Counts += total - entered.Pop();
            _costs[mark / 2].Calls++;
        }
        return total;
    }

    private static string? Shapes(object? output)
    {
        var tensors = ModuleHooks.Tensors(output);
        return tensors.Length == 0 ? null : string.Join(" ", tensors.Select(tensor => $"[{string.Join(", ", tensor.shape)}]"));
    }
}
