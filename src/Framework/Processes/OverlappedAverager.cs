using Microsoft.Extensions.Logging;
using Tessera.Framework.Messages;
using Tessera.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

/// <summary>
/// Averages gradients over processes while backward still runs: when it has come to the end of a block, the gradients of what lies behind
/// travel, in buckets, the last layers' first.
/// </summary>
/// <remarks>
/// Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", 2020, arXiv:2006.15704, section 3.2, with marks at
/// blocks in place of hooks on parameters. Buckets are the same and begin in the same order in every process, whenever backward comes by;
/// a gradient that a process hasn't got counts as zero. That no gradient changes after it was sent is looked at in the first step and
/// in every 256th; a model of which it is not so is averaged after backward from then on.
/// </remarks>
internal sealed class OverlappedAverager : IDisposable
{
    private const int LookEvery = 256;

    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly BlockMarks _marks;
    private readonly (string Name, Parameter Parameter, int Layer)[] _parameters; // last layers first
    private readonly IProcessGroup _group;
    private readonly long _bucketBytes;
    private readonly List<Bucket> _buckets = [];
    private readonly List<Sent> _sent = [];
    private bool[] _trained = [];
    private long _steps;
    private bool _early;

    private OverlappedAverager(
        BlockMarks marks,
        IEnumerable<(string Name, Parameter Parameter)> parameters,
        IProcessGroup group,
        long bucketBytes
    )
    {
        (_marks, _group, _bucketBytes) = (marks, group, bucketBytes);
        _parameters =
        [
            .. parameters.Select(entry => (entry.Name, entry.Parameter, marks.Layers[entry.Name])).OrderByDescending(entry => entry.Item3),
        ];
        marks.Reached = Reach;
    }

    /// <summary>Whether gradients travel early. No longer once one was found to change after it was sent.</summary>
    public bool IsOn { get; private set; } = true;

    /// <summary>Buckets of the last step that travelled before backward's end.</summary>
    public int SentEarly { get; private set; }

    /// <summary>Buckets of a step.</summary>
    public int Buckets => _buckets.Count;

    /// <summary>For the parameters of the model's only optimizer.</summary>
    /// <param name="bucketBytes">A bucket is full when it holds as much.</param>
    /// <returns>null where the model has no blocks to go by.</returns>
    public static OverlappedAverager? Of(
        nn.Module model,
        IEnumerable<(string Name, Parameter Parameter)> parameters,
        IProcessGroup group,
        long bucketBytes
    ) => BlockMarks.Attach(model) is { } marks ? new OverlappedAverager(marks, parameters, group, bucketBytes) : null;

    /// <summary>Before a backward.</summary>
    /// <param name="last">Whether it is the step's last.</param>
    public void Begin(bool last)
    {
        if (!IsOn)
            return;
        Plan();
        SentEarly = 0;
        _early = last && _marks.RanOnce;
    }

    /// <summary>After it.</summary>
    public void End()
    {
        SentEarly = _sent.Count;
        _early = false;
        _marks.Forget();
    }

    /// <summary>Every trained parameter's gradient becomes its mean over all processes; where it had none, it has one now.</summary>
    /// <returns>Whether it has; false, and gradients as they were, where one was found to change after it was sent.</returns>
    /// <exception cref="UserErrorException">The same, though it was not so before.</exception>
    public bool Finish()
    {
        while (_sent.Count < _buckets.Count)
            Send(_buckets[_sent.Count]);
        foreach (var sent in _sent)
            sent.Operation.Wait();
        var changed = _steps % LookEvery == 0 ? Changed() : null;
        if (changed is null)
        {
            foreach (var sent in _sent)
                Spread(sent);
        }
        Drop();
        if (changed is null)
        {
            if (_steps++ == 0)
                s_log.LogInformation("Gradients travel while backward runs: {0} of {1} buckets before its end.", SentEarly, Buckets);
            return true;
        }
        var what = $"The gradient of {changed} changed after it was sent: something before its block uses it, too.";
        if (_steps > 0)
            throw new UserErrorException($"{what} Set processes.overlap to false, and resume.");
        s_log.LogWarning("{0} Gradients are averaged after backward (as with \"processes\": {{ \"overlap\": false }}).", what);
        IsOn = false;
        _marks.Dispose();
        return false;
    }

    /// <summary>What was sent is waited for and dropped.</summary>
    public void Forget()
    {
        foreach (var sent in _sent)
            sent.Operation.Wait();
        Drop();
    }

    public void Dispose()
    {
        _marks.Dispose();
        Drop();
    }

    // Backward is at the end of a block.
    private void Reach(int block)
    {
        if (!_early)
            return;
        while (_sent.Count < _buckets.Count && _buckets[_sent.Count].FirstLayer > block)
            Send(_buckets[_sent.Count]);
    }

    // Anew where other parameters are trained than before.
    private void Plan()
    {
        var trained = Array.ConvertAll(_parameters, entry => entry.Parameter.requires_grad);
        if (_sent.Count > 0 || trained.AsSpan().SequenceEqual(_trained))
            return;
        _trained = trained;
        _buckets.Clear();
        long bytes = 0;
        foreach (var (name, parameter, layer) in _parameters.Where(entry => entry.Parameter.requires_grad))
        {
            if (_buckets.Count == 0 || bytes >= _bucketBytes || _buckets[^1].Parameters[0].dtype != parameter.dtype)
            {
                _buckets.Add(new Bucket([], []));
                bytes = 0;
            }
            _buckets[^1].Parameters.Add(parameter);
            _buckets[^1].Names.Add(name);
            _buckets[^1].FirstLayer = layer;
            bytes += parameter.numel() * parameter.element_size();
        }
    }

    private void Send(Bucket bucket)
    {
        using var nothing = no_grad();
        using var scope = NewDisposeScope();
        var flat = Flat(bucket);
        var kept = _steps % LookEvery == 0 ? flat.clone().DetachFromDisposeScope() : null;
        flat.DetachFromDisposeScope();
        _sent.Add(new Sent(bucket, flat, kept, _group.BeginAllReduceSum(flat)));
    }

    /// <summary>A copy of a bucket's gradients, [numbers].</summary>
    private static Tensor Flat(Bucket bucket)
    {
        Tensor[] rows = [.. bucket.Parameters.Select(parameter => (parameter.grad ?? zeros_like(parameter)).reshape(-1))];
        return rows.Length == 1 ? rows[0].clone() : cat(rows); // TorchSharp's cat gives a single tensor back as it is
    }

    private void Spread(Sent sent)
    {
        sent.Flat.div_(_group.WorldSize);
        long offset = 0;
        foreach (var parameter in sent.Bucket.Parameters)
        {
            using var scope = NewDisposeScope();
            if (parameter.grad is null)
                parameter.grad = zeros_like(parameter);
            var count = parameter.numel();
            parameter.grad!.copy_(sent.Flat.narrow(0, offset, count).view(parameter.shape));
            offset += count;
        }
    }

    /// <summary>The name of a parameter whose gradient is not what was sent, in any process; null where there is none.</summary>
    private string? Changed()
    {
        using var scope = NewDisposeScope();
        var found = -1;
        for (var i = 0; i < _sent.Count && found < 0; i++)
            if (!Same(_sent[i].Kept!, Flat(_sent[i].Bucket)))
                found = i;
        var all = _group.AllGather(BitConverter.GetBytes(found)).Select(bytes => BitConverter.ToInt32(bytes)).Max();
        return all < 0 ? null : _buckets[all].Names[0] + (_buckets[all].Names.Count > 1 ? " or another parameter of its bucket" : "");
    }

    /// <summary>Of a loss that is scaled too far, gradients may be NaN, which equals nothing, itself neither.</summary>
    private static bool Same(Tensor a, Tensor b) => a.eq(b).logical_or(a.ne(a).logical_and(b.ne(b))).all().item<bool>();

    private void Drop()
    {
        foreach (var sent in _sent)
        {
            sent.Flat.Dispose();
            sent.Kept?.Dispose();
        }
        _sent.Clear();
    }

    private sealed record Bucket(List<string> Names, List<Parameter> Parameters)
    {
        /// <summary>The first layer of which it holds something.</summary>
        public int FirstLayer { get; set; }
    }

    private sealed record Sent(Bucket Bucket, Tensor Flat, Tensor? Kept, PendingOperation Operation);
}
