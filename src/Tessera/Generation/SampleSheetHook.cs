using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;

namespace Tessera.Generation;

/// <param name="EveryEpochs">Epochs between sheets.</param>
/// <param name="EveryIterations">In place of epochs: optimizer steps between sheets.</param>
/// <param name="Columns">Images of each class.</param>
/// <param name="Classes">Whose images; by default the first ten.</param>
/// <param name="Seed">Of the noise, which is the same each time.</param>
public sealed record SampleSheetHookOptions(
    [property: Range(1, int.MaxValue)] int? EveryEpochs = null,
    [property: Range(1L, long.MaxValue)] long? EveryIterations = null,
    [property: Range(1, 100)] int Columns = 8,
    [property: MinLength(1)] string[]? Classes = null,
    long Seed = 0
);

/// <summary>Has a model that generates images draw the same noise again and again while it learns: a sheet for each time in the work dir's
/// folder samples, and in TensorBoard.</summary>
/// <remarks>The weights are those being trained, not their average. Modes and random numbers are then as before, so that a run is the same
/// with the hook and without.</remarks>
[Component("SampleSheetHook")]
public sealed class SampleSheetHook(SampleSheetHookOptions options, Session session) : Hook
{
    private const int UsualClasses = 10;

    private ImageSampler? _sampler;
    private int[] _labels = [];

    public override void BeforeRun(RunState run)
    {
        if (options is { EveryEpochs: not null, EveryIterations: not null })
            throw new UserErrorException("SampleSheetHook: give either every_epochs or every_iterations.");
        if (run.Group.Rank != 0)
            return;
        _sampler = ImageSampler.Of(session);
        var classes = _sampler.Data.Classes;
        _labels = !_sampler.ByClass
            ? [0]
            : [.. (options.Classes ?? classes.Take(UsualClasses)).Select(name => ClassIndex.Of(name, classes, "SampleSheetHook"))];
    }

    public override void AfterIteration(RunState run, Batch batch, LossMap losses)
    {
        if (options.EveryIterations is { } every && run.StepDone && run.Progress.Iteration % every == 0)
            Draw(run, string.Create(CultureInfo.InvariantCulture, $"iter_{run.Progress.Iteration:D7}"));
    }

    public override void AfterEpoch(RunState run)
    {
        if (options.EveryIterations is null && run.EpochsDone % (options.EveryEpochs ?? 1) == 0)
            Draw(run, string.Create(CultureInfo.InvariantCulture, $"epoch_{run.EpochsDone:D4}"));
    }

    private void Draw(RunState run, string name)
    {
        if (_sampler is null)
            return;
        var seeds = SampleSheet.Seeds(options.Seed, options.Columns);
        var rows = _labels
            .Select(label =>
                (
                    Name: _sampler.ByClass ? _sampler.Data.Classes[label] : null,
                    Images: (IReadOnlyList<Image>)[.. _sampler.Draw([.. seeds.Select(seed => (label, seed))]).Select(image => image.Pixels)]
                )
            )
            .ToArray();
        using var drawing = SampleSheet.Draw(rows);
        var png = drawing.EncodePng();
        var folder = Path.Combine(run.WorkDir, "samples");
        Directory.CreateDirectory(folder);
        AtomicFile.Write(Path.Combine(folder, name + ".png"), stream => stream.Write(png));
        run.Output?.Picture("samples", run.Progress.Iteration, (int)drawing.Height, (int)drawing.Width, png);
    }
}
