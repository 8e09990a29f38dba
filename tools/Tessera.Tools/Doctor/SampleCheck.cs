using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Doctor;

/// <summary>Reads a part of the data as a run does: the first few samples for their values, then all that the time allows.</summary>
internal sealed class SampleCheck(Report report)
{
    private const double NormalizedBelow = 50,
        Flat = 1e-6;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    /// <param name="loader">Makes the loader: with small batches in this thread, or as the config has it.</param>
    public string Run(string part, Func<bool, IBatchLoader> loader)
    {
        try
        {
            return Read(part, loader);
        }
        catch (UserErrorException error) when (!error.Message.StartsWith(part, StringComparison.Ordinal))
        {
            throw new UserErrorException($"{part}.dataset\n  {error.Message.ReplaceLineEndings("\n  ")}", error);
        }
    }

    private string Read(string part, Func<bool, IBatchLoader> loader)
    {
        var said = Values(part, loader);
        var watch = Stopwatch.StartNew();
        var (samples, complete) = (0, true);
        using var all = loader(false);
        foreach (var batch in all.Epoch(0))
        {
            samples += batch.Count;
            batch.Dispose();
            if (watch.Elapsed <= s_limit)
                continue;
            complete = samples >= all.Dataset.Count;
            break;
        }
        if (all.Skipped is { Count: > 0 } skipped)
            report.Warn(
                part,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{skipped.Count:N0} of {all.Dataset.Count:N0} samples can't be read and are left out (on_bad_sample). The first: "
                        + $"{Reason(skipped[0])}"
                )
            );
        return said
            + string.Create(
                CultureInfo.InvariantCulture,
                $"; {samples:N0} samples read{(complete ? "" : $" of {all.Dataset.Count:N0}, in {s_limit.TotalSeconds:0} s")}"
            );
    }

    /// <summary>The first batch of a loader, which its caller disposes.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public static Batch First(IBatchLoader loader, string part) =>
        loader.Epoch(0).FirstOrDefault()
        ?? throw new UserErrorException(
            $"{part}.dataset: its {loader.Dataset.Count} samples make no "
                + "batch"
                + (loader.Skipped.Count > 0 ? $"; {loader.Skipped.Count} can't be read, the first: {Reason(loader.Skipped[0])}" : ".")
        );

    private static string Reason((string Name, string Reason) skipped) =>
        skipped.Reason.Contains(skipped.Name, StringComparison.Ordinal) ? skipped.Reason : $"{skipped.Name}: {skipped.Reason}";

    private string Values(string part, Func<bool, IBatchLoader> make)
    {
        using var loader = make(true);
        using var scope = NewDisposeScope();
        using var batch = First(loader, part);
        var images = batch.Images;
        double low = images.min().ToDouble(),
            high = images.max().ToDouble(),
            mean = images.mean().ToDouble(),
            spread = images.std(unbiased: false).ToDouble();
        if (!double.IsFinite(mean))
            throw new UserErrorException($"{part}: {batch.Samples[0].Name} has values that are not finite.");
        if (high > NormalizedBelow)
            report.Warn(part, $"pixel values reach {high:0}: is a Normalize step missing from {part}.dataset.pipeline?");
        if (spread < Flat)
            report.Warn(part, "every pixel of the first samples has the same value.");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{part} [{string.Join(" x ", images.shape)}], values {low:0.00} to {high:0.00}, mean {mean:0.00}, deviation "
                + $"{spread:0.00}: {batch.Samples[0].Name} …"
        );
    }
}
