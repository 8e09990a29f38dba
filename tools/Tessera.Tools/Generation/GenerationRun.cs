using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Generation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Generation;

/// <summary>Draws images class by class, leaves out those that don't look like their class, and writes the rest.</summary>
internal sealed class GenerationRun : IDisposable
{
    /// <summary>Exit code where some class got fewer images than were asked for.</summary>
    public const int Fewer = 4;

    private const int BatchSize = 64;

    private readonly GenerationSettings _settings;
    private readonly ImageSampler _sampler;
    private readonly Predictor? _judge;

    private GenerationRun(GenerationSettings settings)
    {
        _settings = settings;
        SyntheticFolder.RequireFree(settings.Output);
        _sampler = ImageSampler.Load(settings.Checkpoint, settings.Session);
        try
        {
            _judge = settings.Judge is { } judge
                ? Predictor.Load(
                    judge,
                    new PredictorOptions { Device = settings.Session.Device ?? "auto", Plugins = settings.Session.Plugins }
                )
                : null;
            if (_judge is { Data.Task: not DataTask.Classification })
                throw new UserErrorException(
                    $"{settings.Judge}: its model is for {TaskNames.Of(_judge.Data.Task)}; a classifier was expected as judge."
                );
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <returns>0, or <see cref="Fewer"/>.</returns>
    public static int Run(GenerationSettings settings)
    {
        using var run = new GenerationRun(settings);
        return run.Run();
    }

    public void Dispose()
    {
        _judge?.Dispose();
        _sampler.Dispose();
    }

    private int Run()
    {
        var labels = Labels();
        var names = labels.Select(label => _sampler.Data.Classes[label]).ToArray();
        foreach (var name in names)
            SyntheticFolder.RequireFolderName(name);
        var judged = _judge is null ? null : names.Select(name => ClassIndex.Of(name, _judge.Data.Classes, "--judge")).ToArray();
        if (_settings.MinAgreement is not null && judged is null && _sampler.Draw([(labels[0], 0)])[0].Agreement is null)
            throw new UserErrorException(
                "--min-agreement: the model itself can't tell its images' classes, so name a classifier by --judge CHECKPOINT."
            );
        var hash = SyntheticFolder.HashOf(_settings.Checkpoint);
        var lacking = false;
        using (var folder = new SyntheticFolder(_settings.Output, hash, Header(hash)))
        {
            var advance = new Advance("drawing");
            for (var i = 0; i < labels.Length; i++)
            {
                var before = i * _settings.Count;
                var (kept, drawn) = Fill(
                    folder,
                    labels[i],
                    judged?[i],
                    done => advance.Report(before + done, labels.Length * _settings.Count)
                );
                lacking |= kept < _settings.Count;
                Tell(names[i], kept, drawn);
            }
            advance.Report(labels.Length * _settings.Count, labels.Length * _settings.Count);
            folder.Complete();
        }
        ToolConsole.Current.Line($"{_settings.Output}: marked as synthetic; data sets of val and test refuse it");
        return lacking ? Fewer : 0;
    }

    /// <summary>Draws until there are enough images of a class, or too many tries.</summary>
    private (int Kept, long Drawn) Fill(SyntheticFolder folder, int label, int? judged, Action<int> done)
    {
        var name = _sampler.Data.Classes[label];
        var most = (long)_settings.Count * (_settings.MinAgreement is null ? 1 : _settings.MaxTries);
        var (kept, drawn) = (0, 0L);
        while (kept < _settings.Count && drawn < most)
        {
            var some = (int)Math.Min(BatchSize, most - drawn);
            var wanted = Enumerable.Range(0, some).Select(i => (label, SeedOf(label, drawn + i))).ToArray();
            foreach (var image in _sampler.Draw(wanted))
            {
                if (kept == _settings.Count)
                    break;
                drawn++;
                var agreement = judged is { } index ? Judge(image.Pixels, index) : image.Agreement;
                if (_settings.MinAgreement is { } least && !(agreement >= least))
                    continue;
                folder.Add(name, ++kept, image.Seed, image.Pixels, agreement);
                done(kept);
            }
        }
        return (kept, drawn);
    }

    private double Judge(Image image, int label) =>
        _judge!.Predict(image) is ClassPrediction { OutputIsFinite: true, Scores: var scores } ? scores[label] : 0;

    /// <summary>Below 2^53, so that every reader of JSON keeps it.</summary>
    private long SeedOf(int label, long number) => (long)(RandomSource.For(_settings.Seed, label, number).NextUInt64() >> 11);

    private void Tell(string name, int kept, long drawn)
    {
        var text = Counted.Of(kept, "image");
        if (_settings.MinAgreement is not null)
            text += string.Create(CultureInfo.InvariantCulture, $" of {drawn} drawn");
        ToolConsole.Current.Line(
            kept < _settings.Count ? $"{name}  {text}: fewer than the {_settings.Count} asked for" : $"{name}  {text}"
        );
    }

    private int[] Labels()
    {
        var known = _sampler.Data.Classes;
        if (_sampler.ByClass)
        {
            int[] labels =
            [
                .. _settings.Classes.Count == 0
                    ? Enumerable.Range(0, known.Count)
                    : _settings.Classes.Select(name => ClassIndex.Of(name, known, "--classes")),
            ];
            return labels.Distinct().Count() == labels.Length ? labels : throw new UserErrorException("--classes names a class twice.");
        }
        if (known.Count == 1)
            return [0];
        if (_settings.Classes.Count != 1 || _settings is not { Judge: not null, MinAgreement: not null })
            throw new UserErrorException(
                $"{_settings.Checkpoint}: its model draws images of any of {known.Count} classes, so they have no labels. Train one with "
                    + "\"condition\": \"projection\", or have one class's images chosen: --classes CLASS --judge CHECKPOINT "
                    + "--min-agreement P."
            );
        return [ClassIndex.Of(_settings.Classes[0], known, "--classes")];
    }

    private JsonObject Header(string hash) =>
        new()
        {
            ["checkpoint"] = Path.GetFileName(_settings.Checkpoint),
            ["checkpoint_sha256"] = hash,
            ["weights"] = _settings.Session.Averaged ? "averaged" : "trained",
            ["changes"] = new JsonArray([.. _settings.Session.Overrides.Select(text => (JsonNode)text)]),
            ["seed"] = _settings.Seed,
            ["judge"] = _settings.Judge is { } judge ? Path.GetFileName(judge) : null,
            ["judge_sha256"] = _settings.Judge is { } path ? SyntheticFolder.HashOf(path) : null,
            ["min_agreement"] = _settings.MinAgreement,
        };
}
