using System.Diagnostics;
using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Stages;

/// <summary>How long each step of a chain takes.</summary>
internal static class StageCosts
{
    private const int Turns = 6; // the first does not count

    /// <summary>Seconds of each step's forward and backward, the median of five turns after one that doesn't count. The first process
    /// measures, while the others wait.</summary>
    /// <remarks>In evaluation mode, so that no statistics move; gradients are dropped.</remarks>
    /// <param name="images">A micro-batch.</param>
    public static double[] Measure(StepParts parts, IReadOnlyList<ChainStep> chain, Tensor images)
    {
        var costs = new double[chain.Count];
        if (parts.Group.Rank == 0)
        {
            parts.Model.eval();
            using var outer = NewDisposeScope();
            var x = images;
            for (var i = 0; i < chain.Count; i++)
                x = Measure(parts, chain[i], x, out costs[i]);
            foreach (var parameter in parts.Model.parameters())
                parameter.grad = null;
            parts.Model.train();
        }
        var bytes = parts.Group.AllGather([.. costs.SelectMany(BitConverter.GetBytes)])[0];
        return [.. Enumerable.Range(0, chain.Count).Select(i => BitConverter.ToDouble(bytes, i * sizeof(double)))];
    }

    private static Tensor Measure(StepParts parts, ChainStep step, Tensor x, out double seconds)
    {
        using var scope = NewDisposeScope();
        var times = new List<double>();
        for (var turn = 0; turn < Turns; turn++)
            times.Add(Turn(parts, step, x));
        seconds = times.Skip(1).Order().ElementAt(Turns / 2 - 1);
        using var nothing = no_grad();
        using var precision = parts.Precision.Enter(parts.Device.type);
        return scope.MoveToOuter(step.Run(x).detach());
    }

    private static double Turn(StepParts parts, ChainStep step, Tensor x)
    {
        using var scope = NewDisposeScope();
        Wait(parts);
        var begin = Stopwatch.GetTimestamp();
        Tensor y;
        using (parts.Precision.Enter(parts.Device.type))
            y = step.Run(x.is_floating_point() ? x.detach().requires_grad_() : x);
        if (y.requires_grad)
            y.backward([ones_like(y)]);
        Wait(parts);
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static void Wait(StepParts parts)
    {
        if (parts.Device.type == DeviceType.CUDA)
            cuda.synchronize(parts.Device);
    }
}
