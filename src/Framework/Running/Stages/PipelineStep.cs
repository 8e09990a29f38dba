using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Stages;

/// <summary>A training step of a model whose stages are trained by several processes: each runs its own on one micro-batch after
/// another, in the order of <see cref="PipelineSchedule"/>.</summary>
/// <remarks>The gradient is the mean over the micro-batches, which are of one size: that of the whole batch, but for batch norms, which
/// see one micro-batch at a time, and for losses that are no plain mean over images (class weights).</remarks>
internal sealed class PipelineStep(Stage stage, PipelineOptions options, StepParts parts)
{
    private const int ToldAfter = 10; // steps, the first of which are slow

    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly StageLink _link = new(stage.Group, parts.Device);
    private int _steps;

    /// <summary>The part of the last step's time in which this stage waited for others, from 0 to 1.</summary>
    public double Waiting { get; private set; }

    /// <returns>The losses, the mean over the micro-batches, in every process; of the present dispose scope.</returns>
    /// <exception cref="UserErrorException">The micro-batches don't divide the batch.</exception>
    public LossMap Run(Batch batch, RunOptimizers optimizers, Progress progress)
    {
        StageChecks.RequireDivides(options, batch.Count);
        LossMap? losses = null;
        var (begin, waited) = (Stopwatch.GetTimestamp(), _link.Waited);
        using (var scope = NewDisposeScope())
        {
            var passes = new Pass[options.MicroBatches];
            foreach (var (isBackward, i) in PipelineSchedule.Of(options.MicroBatches))
            {
                if (!isBackward)
                {
                    var size = batch.Count / options.MicroBatches;
                    passes[i] = Forward(batch.Part(i * size, size), optimizers, progress);
                    continue;
                }
                if (losses is null)
                {
                    losses = Share(passes);
                    optimizers.Context.Guard?.Invoke(losses.Total());
                }
                Backward(passes[i]);
            }
            _link.Flush();
            scope.MoveToOuter(losses!.Values);
        }
        Waiting = (_link.Waited - waited) / Stopwatch.GetElapsedTime(begin);
        if (++_steps == ToldAfter)
            Tell();
        optimizers.Handles.Single().FinishAccumulated();
        return losses;
    }

    private void Tell()
    {
        var shares = stage.Group.AllGather(BitConverter.GetBytes(Waiting)).Select(bytes => BitConverter.ToDouble(bytes)).ToArray();
        s_log.LogInformation(
            "In step {0} the stages waited for one another: {1} of the time.",
            _steps,
            string.Join(", ", shares.Select(share => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.0} %")))
        );
    }

    private Pass Forward(Batch part, RunOptimizers optimizers, Progress progress)
    {
        using var scope = NewDisposeScope();
        var input = stage.IsFirst ? null : _link.Receive(stage.Group.Rank - 1);
        if (input is not null && parts.ChannelsLast && input.dim() == 4)
            input = ChannelsLast.Lay(input);
        var x = input?.requires_grad_() ?? part.Images;
        LossMap? losses = null;
        using (optimizers.Autocast())
        {
            foreach (var step in stage.Steps((int)part.Images.shape[2], (int)part.Images.shape[3]))
                x = step.Run(x);
            if (stage.IsLast)
                losses = stage.Model.Losses(x, part, progress);
        }
        if (losses is null)
            _link.Send(x, stage.Group.Rank + 1);
        var output = losses is null ? x : losses.Total() / options.MicroBatches;
        if (losses is not null)
            scope.MoveToOuter(losses.Values);
        if (input is not null)
            scope.MoveToOuter(input);
        return new Pass(input, scope.MoveToOuter(output), losses);
    }

    private void Backward(Pass pass)
    {
        using var scope = NewDisposeScope();
        if (stage.IsLast)
            pass.Output.backward();
        else
            pass.Output.backward([_link.ReceivePlain(like: pass.Output, stage.Group.Rank + 1)]);
        pass.Output.Dispose();
        if (pass.Input is not { } input)
            return;
        _link.SendPlain(input.grad!, stage.Group.Rank - 1);
        input.grad = null;
        input.Dispose();
    }

    /// <summary>What the last stage's losses are, on average, for all.</summary>
    private LossMap Share(Pass[] passes)
    {
        var own = new StringBuilder();
        if (stage.IsLast)
        {
            foreach (var name in passes[0].Losses!.Keys)
            {
                using var nothing = no_grad();
                using var scope = NewDisposeScope();
                var mean = stack(passes.Select(pass => pass.Losses![name].detach().to(ScalarType.Float64))).mean();
                own.Append(CultureInfo.InvariantCulture, $"{BitConverter.DoubleToInt64Bits(mean.item<double>())} {name}\n");
            }
        }
        var shared = "";
        _link.Await(() => shared = Encoding.UTF8.GetString(stage.Group.AllGather(Encoding.UTF8.GetBytes(own.ToString()))[^1]));
        var losses = new LossMap();
        foreach (var line in shared.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parted = line.Split(' ', 2);
            var value = BitConverter.Int64BitsToDouble(long.Parse(parted[0], CultureInfo.InvariantCulture));
            losses.Add(parted[1], tensor((float)value, device: parts.Device));
        }
        return losses;
    }

    /// <summary>A micro-batch on its way.</summary>
    /// <param name="Input">What the stage before sent; null in the first stage.</param>
    /// <param name="Output">What this one gave; in the last stage its share of the loss.</param>
    /// <param name="Losses">Of the last stage.</param>
    private sealed record Pass(Tensor? Input, Tensor Output, LossMap? Losses);
}
