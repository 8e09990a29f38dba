using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Predictions;
using Tessera.Tools.Output;

namespace Tessera.Tools.Ensembles;

/// <summary>Measures members, their vote and their soup, and how differently they err.</summary>
internal sealed class EnsembleRun : IDisposable
{
    private readonly EnsembleArguments _arguments;
    private readonly EnsembleData _data;
    private readonly DataPart _measured;
    private readonly DataPart _chosenOn;
    private readonly List<EnsembleMember> _members = [];
    private readonly List<string> _warnings = [];

    public EnsembleRun(EnsembleArguments arguments)
    {
        _arguments = arguments;
        if (arguments.Soup is not null && arguments.OutDir is null)
            throw new UserErrorException("--soup writes a checkpoint, so it needs a folder for it: --out-dir DIR.");
        if (arguments.Checkpoints.Distinct().Count() < arguments.Checkpoints.Count)
            throw new UserErrorException("A checkpoint is named twice. --vote weighted gives members different weights.");
        _data = new EnsembleData(arguments.Config, arguments.Options);
        try
        {
            var parts = _data.Session.Data;
            _measured = arguments.Part ?? parts.EvaluatedPart;
            parts.Evaluation(_measured);
            _chosenOn = parts.Has(DataPart.Val) ? DataPart.Val : _measured;
            EnsembleVote.Require(arguments.Vote, Info.Task);
            foreach (var path in arguments.Checkpoints)
                _members.Add(EnsembleMember.Open(path, _data.Session, Info, arguments.Averaged, arguments.Plugins));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private DataInfo Info => _data[_measured].Info;

    private bool Chooses => _arguments.Vote == VoteKind.Weighted || _arguments.Soup == SoupKind.Greedy;

    public EnsembleFindings Run()
    {
        var metrics = _data.Metrics(_measured);
        if (metrics.Count == 0)
            throw new UserErrorException(
                $"{_arguments.Config}: {SessionData.NameOf(_measured)}.metrics is empty, so there is nothing to measure."
            );
        var (weights, figures, followed) = Chooses ? Choose() : (Votes.Equal(_members.Count), null, null);
        var soups = _arguments.Soup is null ? null : new Soups(_arguments, _data, _members);
        using var soup = soups?.Cook(_chosenOn, figures is null ? null : followed, figures);
        return Measure(weights, soup, soups, Followed(metrics));
    }

    public void Dispose()
    {
        foreach (var member in _members)
            member.Dispose();
        _data.Dispose();
    }

    /// <summary>One pass over what decides: the weights, and each member's own figure.</summary>
    private (double[] Weights, double[]? Figures, FollowedValue? Followed) Choose()
    {
        var needsFigures = _arguments.Soup == SoupKind.Greedy || Info.Task == DataTask.Detection;
        var followed = needsFigures ? FollowedValue.Of(_data.Metrics(_chosenOn), SessionData.NameOf(_chosenOn), _arguments.Metric) : null;
        var rows = _members.Select(member => new RowMetrics(member.Name, _data.Metrics(_chosenOn), keeps: false)).ToArray();
        var weights = new ValidatedWeights(Info, _members.Count);
        _data.Go(
            _chosenOn,
            _members,
            $"choosing on {SessionData.NameOf(_chosenOn)}",
            (sample, outputs) =>
            {
                if (_arguments.Vote == VoteKind.Weighted)
                    weights.Add(sample, outputs);
                if (needsFigures)
                    foreach (var (m, output) in outputs.Index())
                        rows[m].Add(sample, output.Prediction);
            }
        );
        double[]? figures = null;
        if (needsFigures)
        {
            Array.ForEach(rows, row => row.Compute());
            figures = Array.ConvertAll(rows, row => followed!.Of(row.Values));
        }
        if (_chosenOn == _measured)
            _warnings.Add(
                $"{(_arguments.Vote == VoteKind.Weighted ? "Weights" : "The soup's members")} were chosen on the data that they are "
                    + "measured on, so the figures flatter. With val and test in the config, it is chosen on val and measured on test."
            );
        var chosen = _arguments.Vote == VoteKind.Weighted ? weights.Choose(figures ?? []) : Votes.Equal(_members.Count);
        return (chosen, _arguments.Soup == SoupKind.Greedy ? figures : null, followed);
    }

    private EnsembleFindings Measure(double[] weights, EnsembleMember? soup, Soups? soups, FollowedValue? followed)
    {
        var keeps = _arguments.Bootstrap > 0 && Info.Task is DataTask.Classification or DataTask.MultiLabel or DataTask.Regression;
        var rows = _members.Select(member => Row(member.Name)).ToArray();
        var (whole, cooked) = (Row($"{_members.Count} together"), soup is null ? null : Row("soup"));
        var vote = new EnsembleVote(_arguments.Vote, Info, weights, _arguments.Fusion);
        var rights = Info.Task == DataTask.Regression ? null : new MemberRights(Info, _members.Count);
        var regression = Info.Task == DataTask.Regression ? new RegressionDiversity(Info.Classes.Count, weights) : null;
        var (samples, seen) = (new List<Sample>(), 0);
        using var stored = _arguments.OutDir is { } folder ? Predictions(folder) : null;
        _data.Go(
            _measured,
            soup is null ? _members : [.. _members, soup],
            $"measuring on {SessionData.NameOf(_measured)}",
            (sample, outputs) =>
            {
                seen++;
                if (keeps)
                    samples.Add(sample);
                MemberOutput[] members = [.. outputs.Take(_members.Count)];
                foreach (var (m, output) in members.Index())
                    rows[m].Add(sample, output.Prediction);
                var voted = vote.Of(members);
                whole.Add(sample, voted);
                stored?.Write(sample, voted);
                cooked?.Add(sample, outputs[^1].Prediction);
                rights?.Add(sample, members);
                regression?.Add(sample, members);
            }
        );
        RowMetrics[] all = cooked is null ? [.. rows, whole] : [.. rows, whole, cooked];
        Array.ForEach(all, row => row.Compute());
        stored?.Complete(whole.Values);
        foreach (var text in all.Select(row => row.NonFinite).Append(vote.MasksLeftOut).OfType<string>().Distinct())
            ToolConsole.Current.Warning(text);
        return new EnsembleFindings
        {
            Arguments = _arguments,
            Part = SessionData.NameOf(_measured),
            Samples = seen,
            Members = rows,
            Whole = whole,
            Soup = cooked,
            SoupPath = soups?.Path,
            PredictionsPath = stored?.FullName,
            SoupOf = soups?.Chosen ?? [],
            Weights = weights,
            WeightsFrom =
                _arguments.Vote != VoteKind.Weighted
                    ? null
                    : $"{SessionData.NameOf(_chosenOn)}, by {new ValidatedWeights(Info, _members.Count).Rule}",
            Followed = followed,
            Gain = keeps && samples.Count > 0 ? Redraw(all, samples, rows, whole, followed) : null,
            Rights = rights,
            Regression = regression,
            Warnings = _warnings,
        };

        RowMetrics Row(string name) => new(name, _data.Metrics(_measured), keeps);
    }

    /// <summary>What the members say together, for the tools that read stored predictions.</summary>
    private PredictionFileWriter Predictions(string folder) =>
        PredictionFileWriter.Create(
            folder,
            new PredictionHeader(
                SessionData.NameOf(_measured),
                Info,
                $"{_arguments.Vote.ToString().ToLowerInvariant()} of {string.Join(", ", _members.Select(member => member.Name))}"
            ),
            _data.Session.Options.DataRoot
        );

    private FollowedValue? Followed(IReadOnlyDictionary<string, Metric> metrics) =>
        _arguments.Metric is null && metrics.Values.All(metric => metric.Compute().Keys.All(key => metric.RuleOf(key) is null))
            ? null
            : FollowedValue.Of(metrics, SessionData.NameOf(_measured), _arguments.Metric);

    /// <summary>Intervals of every value of every row, all from the same drawings, and of the whole's gain over the best member.</summary>
    private (string, double, double, double)? Redraw(
        RowMetrics[] all,
        List<Sample> samples,
        RowMetrics[] members,
        RowMetrics whole,
        FollowedValue? followed
    )
    {
        var measure = _data.Metrics(_measured);
        string[] names = [.. whole.Listed];
        var best = followed is null ? null : members.MaxBy(row => followed.Of(row.Values));
        var gain = followed is null ? -1 : Array.IndexOf(names, followed.Name);
        var intervals = Bootstrap.Intervals(
            samples.Count,
            _arguments.Bootstrap,
            seed: 0,
            (all.Length * names.Length) + 1,
            (drawn, values) =>
            {
                for (var r = 0; r < all.Length; r++)
                    all[r].Redraw(measure, Info, samples, drawn, names, values.AsSpan(r * names.Length, names.Length));
                values[^1] =
                    gain < 0
                        ? double.NaN
                        : values[(Array.IndexOf(all, whole) * names.Length) + gain]
                            - values[(Array.IndexOf(all, best) * names.Length) + gain];
            }
        );
        for (var r = 0; r < all.Length; r++)
        for (var n = 0; n < names.Length; n++)
            if (double.IsFinite(all[r].Values[names[n]]))
                all[r].Intervals[names[n]] = intervals[(r * names.Length) + n];
        return gain < 0
            ? null
            : (best!.Name, whole.Values[followed!.Name] - best.Values[followed.Name], intervals[^1].Low, intervals[^1].High);
    }
}
