using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Torch.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>One optimizer over its parameter groups.</summary>
internal sealed class OptimizerHandle : IOptimizerHandle, IDisposable
{
    private readonly StepContext _context;
    private readonly Parameter[] _parameters;
    private readonly string[] _names;
    private readonly bool _isOneOfSeveral;
    private readonly OverlappedAverager? _overlap;
    private bool _pending;

    public OptimizerHandle(string name, OptimizerFactory factory, nn.Module model, StepContext context)
    {
        var groups = ParameterGroups.Split(model, factory, context.Owns);
        if (groups.Count == 0)
            throw new UserErrorException(
                context.Owns is null
                    ? $"{name}: there is nothing to train; every parameter of the model is frozen or another optimizer's."
                    : $"pipeline: a stage has nothing to train, since all its parameters are frozen. Take fewer stages, or set "
                        + "pipeline.cuts."
            );
        if (context.Distiller?.named_parameters().ToArray() is { Length: > 0 } taught)
            groups =
            [
                .. groups,
                new ParameterGroup(
                    [.. taught.Select(entry => $"{Distiller.Prefix}.{entry.name}")],
                    [.. taught.Select(entry => entry.parameter)],
                    1,
                    1
                ),
            ];
        groups = factory.Arrange(groups, model);
        (Groups, _context) = (groups, context);
        _parameters = [.. groups.SelectMany(group => group.Parameters)];
        _names = [.. groups.SelectMany(group => group.Names)];
        _isOneOfSeveral = context.SeveralOptimizers;
        Optimizer = factory.Create(groups);
        if (Optimizer is LbfgsOptimizer && (context.Scaler is not null || context.Group.WorldSize > 1))
            throw new UserErrorException($"{name}: Lbfgs works in one process and without fp16.");
        if (Optimizer is LambOptimizer { ClipsNorm: true } && context.NormGroup is not null)
            throw new UserErrorException(
                $"{name}.max_grad_norm: in a pipeline no process has all gradients. Set max_grad_norm to 0 and train.clip_grad.norm to "
                    + "what it was."
            );
        // On a GPU, NCCL's calls stand in one queue with backward's own, so that nothing would overlap.
        if (context is { Processes.Overlap: true, SeveralOptimizers: false, Distiller: null, Group.WorldSize: > 1, Device: DeviceType.CPU })
            _overlap = OverlappedAverager.Of(model, _names.Zip(_parameters), context.Group, context.Processes.BucketBytes);
    }

    /// <summary>Averages gradients while backward runs; null where they are averaged after it.</summary>
    internal OverlappedAverager? Overlap => _overlap;

    public optim.Optimizer Optimizer { get; }

    public IReadOnlyList<ParameterGroup> Groups { get; }

    public void Step(Func<Tensor> loss)
    {
        if (Optimizer is not LbfgsOptimizer)
        {
            Step(loss());
            return;
        }
        if (_context.BatchesPerStep > 1)
            throw new UserErrorException(
                "train.accumulate: Lbfgs evaluates each batch several times and can't accumulate gradients over batches. Use 1."
            );
        Optimizer.step(() =>
        {
            Clear();
            var evaluated = loss();
            _context.Guard?.Invoke(evaluated);
            evaluated.backward();
            return evaluated;
        });
        Clear();
    }

    public void Step(Tensor loss, bool retainGraph = false)
    {
        _context.Guard?.Invoke(loss);
        Tensor[]? inputs = _isOneOfSeveral ? [.. _parameters.Where(parameter => parameter.requires_grad)] : null;
        if (inputs is { Length: 0 })
            return; // all its parameters wait for a later phase
        using (NewDisposeScope())
        {
            var scaled = _context.BatchesPerStep > 1 ? loss / _context.BatchesPerStep : loss;
            if (_context.Scaler is { } scaler)
                scaled = scaled.to(ScalarType.Float32) * scaler.Scale;
            _overlap?.Begin(_context.Due);
            scaled.backward(retain_graph: retainGraph, inputs: inputs);
            _overlap?.End();
        }
        _pending = true;
        if (_context.Due)
            Finish();
    }

    /// <summary>The step itself, where batches have accumulated.</summary>
    public void Finish()
    {
        if (!_pending)
            return;
        _pending = false;
        using (NewDisposeScope())
        using (no_grad())
        {
            var averaged = _overlap is { IsOn: true } overlap && overlap.Finish();
            var gradients = Gradients();
            if (!averaged)
                GradientAverager.Average(gradients, _context.Group);
            var finite = _context.Scaler?.Unscale(gradients) ?? true;
            if (finite)
            {
                GradientClipping.Clip(gradients, _context.Clip, _context.NormGroup);
                Optimizer.step();
            }
            _context.Scaler?.Update(finite);
        }
        Clear();
    }

    /// <summary>The step itself, of gradients that somebody else has accumulated.</summary>
    public void FinishAccumulated()
    {
        _pending = true;
        Finish();
    }

    /// <summary>Drops what has accumulated.</summary>
    public void Forget()
    {
        _pending = false;
        _overlap?.Forget();
        Clear();
    }

    public void Save(StateWriter state) => OptimizerMemory.Save(Optimizer, _names, state);

    public void Load(StateReader state, bool rewind) => OptimizerMemory.Load(Optimizer, _names, _parameters, state, rewind);

    public void Dispose()
    {
        _overlap?.Dispose();
        Optimizer.Dispose();
    }

    private List<Tensor> Gradients()
    {
        var gradients = new List<Tensor>(_parameters.Length);
        foreach (var parameter in _parameters)
        {
            var gradient = parameter.grad;
            if (gradient is null && parameter.requires_grad && _context.Group.WorldSize > 1)
                parameter.grad = gradient = zeros_like(parameter); // another process may have one
            if (gradient is not null)
                gradients.Add(gradient);
        }
        return gradients;
    }

    private void Clear()
    {
        foreach (var parameter in _parameters)
            parameter.grad = null;
    }
}
