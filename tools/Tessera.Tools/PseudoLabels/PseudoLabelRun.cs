using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Layers;
using Tessera.Models.PseudoLabels;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.PseudoLabels;

/// <summary>Makes the labels of a part of a config's data, image by image; what lies in the folder already isn't made again.</summary>
internal sealed class PseudoLabelRun : IDisposable
{
    private const int MostNames = 5;

    private readonly PseudoLabelSettings _settings;
    private readonly Session _session;
    private readonly Dataset _data;
    private readonly VisionModel _model = null!; // until the constructor has made it
    private readonly ScoreMaps _maps;
    private readonly IReadOnlyList<Transform> _pipeline;
    private readonly int _divisor;
    private readonly OutputNames _names;
    private readonly string[] _samples;
    private readonly PseudoLabelFolder _folder;
    private readonly List<(string Name, string Reason)> _leftOut = [];
    private readonly HashSet<int> _left = []; // out, since they can't be read, or nothing says where their classes are
    private readonly List<string> _flat = []; // "000012 (star)": the class has no map there
    private int _empty;

    public PseudoLabelRun(
        string config,
        string checkpoint,
        string folder,
        PseudoLabelSettings settings,
        SessionOptions options,
        PretrainedOptions weights
    )
    {
        _settings = settings;
        _session = Session.Open(config, options with { Weights = checkpoint, Note = ToolConsole.Current.Note });
        try
        {
            _data = _session.Data[settings.Part];
            var info = _data.Info;
            RequireLabels(config, checkpoint, info);
            _model = EvaluatedData.ModelFor(_session, checkpoint, info);
            EvaluatedData.LoadWeights(_model, checkpoint, info, weights, _session.Document);
            _session.Place(_model);
            _model.eval();
            var components = _session.Services.GetRequiredService<ComponentBuilder>();
            var source = ClassMapSources.Find(settings.Source, _model, info.Classes, components);
            _maps = new ScoreMaps(_model, source.Source, settings.Maps);
            _pipeline = PredictionPipeline.Build(_session);
            _divisor = _model.Having<PatchEmbed>().Select(embed => embed.Module.PatchSize).Append(1).Max();
            _samples = [.. Enumerable.Range(0, _data.Count).Select(i => _data.Get(i).Name)];
            _names = new OutputNames(_samples);
            var description = settings.Describe(source.Name, HashOf(checkpoint), info.Classes, _samples.Length);
            description["weights"] = ConfigKey.NameOf(weights.Weights.ToString());
            description["config_sha256"] = Hex(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(_session.Document.ResolvedText())));
            _folder = new PseudoLabelFolder(folder, description, info.Classes.Count);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Run()
    {
        var (advance, made) = (new Advance("labelling"), 0);
        for (var i = 0; i < _samples.Length; i++)
        {
            if (!IsDone(i))
            {
                Make(i);
                made++;
            }
            advance.Report(i + 1, _samples.Length);
        }
        if (_leftOut.Count > 0 && _leftOut.Count == _samples.Length)
            throw new UserErrorException(
                $"None of the {_samples.Length} images can be labelled. The first: "
                    + SkippedSample.Reason(_leftOut[0].Name, _leftOut[0].Reason)
            );
        var result = new JsonObject { ["labelled"] = _samples.Length - _left.Count, ["left_out"] = _left.Count };
        if (_settings.Background.Rule is null)
            result["search"] = new SearchedBackground(_data, _folder, Origin).Label([
                .. Enumerable.Range(0, _samples.Length).Where(i => !_left.Contains(i)).Select(i => (i, _names[_samples[i]])),
            ]);
        _folder.Complete(result);
        Tell(made);
        return 0;
    }

    public void Dispose()
    {
        _model?.Dispose();
        _session.Dispose();
    }

    private void Tell(int made)
    {
        foreach (var (name, reason) in _leftOut)
            ToolConsole.Current.Note(SkippedSample.Line(name, reason));
        if (_leftOut.Count > 0)
            ToolConsole.Current.Note($"{_leftOut.Count} of {Counted.Of(_samples.Length, "image")} left out: they have no label image.");
        if (_flat.Count > 0)
            ToolConsole.Current.Note(
                $"{Counted.Of(_flat.Count, "map")} of a class {(_flat.Count == 1 ? "is" : "are")} the same everywhere, so that no pixel is "
                    + $"of it: {string.Join(", ", _flat.Take(MostNames))}{(_flat.Count > MostNames ? " …" : "")}."
            );
        if (made < _samples.Length)
            ToolConsole.Current.Note($"{Counted.Of(_samples.Length - made, "image")} had been labelled before.");
        if (_empty > 0)
            ToolConsole.Current.Note(
                $"{Counted.Of(_empty, "image")} {(_empty == 1 ? "shows" : "show")} no class by {Words}: all background."
            );
        ToolConsole.Current.Line($"{Counted.Of(_samples.Length - _left.Count, "label image")} in {_folder.Masks}");
    }

    private string Words =>
        _settings.Labels == LabelSource.Truth
            ? "its labels"
            : string.Create(CultureInfo.InvariantCulture, $"a probability of {_settings.LabelThreshold}");

    private bool IsDone(int i)
    {
        var name = _names[_samples[i]];
        return (_settings.Background.Rule is null || File.Exists(_folder.MaskOf(name)))
            && (!_settings.WritesScores || File.Exists(_folder.ScoresOf(name)));
    }

    private void Make(int i)
    {
        using var scope = NewDisposeScope();
        ScaledImage image;
        try
        {
            image = new ScaledImage(_data.Open(i, training: false), _pipeline, _divisor);
        }
        catch (Exception fault) when (SkippedSample.IsReason(fault))
        {
            LeaveOut(i, fault);
            return;
        }
        ImageScores scores;
        try
        {
            scores = ScoresOf(image);
        }
        catch (UserErrorException fault) when (ZeroGradientException.Is(fault))
        {
            LeaveOut(i, fault); // background where the image shows a class would teach what is wrong
            return;
        }
        var name = _names[_samples[i]];
        if (_settings.WritesScores)
            ScoreFile.Write(_folder.ScoresOf(name), scores);
        var shown = scores.Of(Origin);
        if (shown.Classes.Length == 0)
            _empty++;
        _flat.AddRange(shown.Empty().Select(index => $"{_samples[i]} ({_data.Info.Classes[index]})"));
        if (_settings.Background.Rule is { } rule)
            _folder.WriteMask(name, LabelMaps.Of(shown.Scores, shown.Classes, rule, shown.Height, shown.Width));
    }

    private void LeaveOut(int i, Exception reason)
    {
        _left.Add(i);
        _leftOut.Add((_samples[i], reason.Message));
    }

    private byte Origin => _settings.Labels == LabelSource.Truth ? ImageScores.Given : ImageScores.Predicted;

    private ImageScores ScoresOf(ScaledImage image)
    {
        var given = Given(image.Sample);
        if (given is null && _settings.Labels == LabelSource.Truth)
            throw new UserErrorException(
                $"{image.Sample.Name} has no labels, so it is unknown which classes it shows. --labels predicted takes those that the "
                    + "classifier finds."
            );
        var usual = Input(1);
        var predicted = _settings.WritesScores || _settings.Labels == LabelSource.Predicted ? Predicted(usual, image.Sample) : [];
        var (shown, found) = (given ?? [], predicted);
        int[] classes = [.. shown.Union(found).Order()];
        using var maps = _maps.Of(scale => scale == 1 ? usual : Input(scale), usual[0], classes, image.Height, image.Width);
        return new ImageScores(
            maps.to(ScalarType.Float16).to(ScalarType.Float32).cpu().Values<float>(),
            classes,
            [
                .. classes.Select(index =>
                    (byte)((shown.Contains(index) ? ImageScores.Given : 0) | (found.Contains(index) ? ImageScores.Predicted : 0))
                ),
            ],
            image.Height,
            image.Width
        );

        Tensor Input(double scale) => image.Input(scale).to(_session.Device);
    }

    private static int[]? Given(Sample sample) =>
        sample.Truth switch
        {
            { MultiLabel: { } labels } => [.. Enumerable.Range(0, labels.Length).Where(index => labels[index] > 0.5f)],
            { Label: { } label } => [label],
            _ => null,
        };

    private int[] Predicted(Tensor usual, Sample sample)
    {
        using var still = no_grad();
        var batch = new Batch { Images = usual, Samples = [sample] };
        if (_model.Predict(batch)[0] is not ClassPrediction prediction)
            throw new UserErrorException($"{_model.GetName()} predicts no classes.");
        if (_data.Info.Task == DataTask.Classification)
            return [prediction.Label];
        return [.. Enumerable.Range(0, prediction.Scores.Length).Where(index => prediction.Scores[index] >= _settings.LabelThreshold)];
    }

    private static void RequireLabels(string config, string checkpoint, DataInfo info)
    {
        if (info.Task is not (DataTask.Classification or DataTask.MultiLabel))
            throw new UserErrorException(
                $"{config}: its data is for {TaskNames.Of(info.Task)}; pseudo labels are made from a classifier, and from "
                    + "data with labels of whole "
                    + "images (classification or multi_label)."
            );
        if (info.Classes.Count > LabelMaps.MostClasses)
            throw new UserErrorException(
                $"{config}: its data has {info.Classes.Count} classes; at most {LabelMaps.MostClasses} and the background fit into the "
                    + "8 bits of label images."
            );
        if (!Checkpoint.IsCheckpoint(checkpoint))
            return;
        using var opened = Checkpoint.Open(checkpoint);
        if (opened.Info.Data.Task is not (DataTask.Classification or DataTask.MultiLabel))
            throw new UserErrorException(
                $"{checkpoint}: it holds a model for {TaskNames.Of(opened.Info.Data.Task)}; pseudo labels are made from a classifier."
            );
    }

    private static string HashOf(string path)
    {
        using var stream = File.OpenRead(path);
        return Hex(SHA256.HashData(stream));
    }

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);
}
