using System.Globalization;
using Tessera.Ensembles;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Ensembles;

/// <summary>Averages the weights of an ensemble's members and writes the result as a checkpoint.</summary>
internal sealed class Soups(EnsembleArguments arguments, EnsembleData data, IReadOnlyList<EnsembleMember> members)
{
    private const string FileName = "soup";

    /// <summary>The members whose weights it is made of, by their numbers.</summary>
    public List<int> Chosen { get; } = [];

    /// <summary>The file that was written.</summary>
    public string? Path { get; private set; }

    /// <param name="part">What decides.</param>
    /// <param name="followed">By which value.</param>
    /// <param name="figures">Each member's, the greater the better; null where nothing is to be decided.</param>
    /// <returns>The model; the caller's.</returns>
    /// <exception cref="UserErrorException">Two members are of different architectures.</exception>
    public EnsembleMember Cook(DataPart part, FollowedValue? followed, IReadOnlyList<double>? figures)
    {
        RequireOneArchitecture();
        var order = Enumerable.Range(0, members.Count);
        if (figures is not null)
            order = order.OrderByDescending(m => figures[m]);
        var best = double.NegativeInfinity;
        IReadOnlyDictionary<string, double> metrics = new Dictionary<string, double>();
        WeightSoup? soup = null;
        EnsembleMember? cooked = null;
        try
        {
            foreach (var m in order)
            {
                var more = With(soup, m);
                var tried = Model(more);
                var values = followed is null ? metrics : Measure(part, tried);
                if (followed is not null && Chosen.Count > 0 && followed.Of(values) < best)
                {
                    Tell(m, followed, values, "left out");
                    more.Dispose();
                    tried.Dispose();
                    continue;
                }
                if (followed is not null)
                {
                    Tell(m, followed, values, "added");
                    best = followed.Of(values);
                }
                soup?.Dispose();
                cooked?.Dispose();
                (soup, cooked, metrics) = (more, tried, values);
                Chosen.Add(m);
            }
            Path = soup!.Save(arguments.OutDir!, FileName, Info(metrics));
            return cooked!;
        }
        catch
        {
            cooked?.Dispose();
            throw;
        }
        finally
        {
            soup?.Dispose();
        }
    }

    private void RequireOneArchitecture()
    {
        using var all = new WeightSoup(arguments.Averaged);
        foreach (var member in members)
        {
            using var checkpoint = EnsembleMember.OpenCheckpoint(member.Name);
            if (!checkpoint.Info.Data.Classes.SequenceEqual(members[0].Info.Data.Classes))
                throw new UserErrorException(
                    $"{member.Name}: its classes are in another order than {members[0].Name}'s, so its weights mean something else. "
                        + "An ensemble without --soup takes both."
                );
            all.Add(checkpoint);
        }
        if (members.Select(member => member.Info.Source).Distinct().Count() > 1)
            ToolConsole.Current.Warning(
                "The members began from different weights. Averages of weights are good for runs from one initial point; of others "
                    + "they are mostly worse than each."
            );
    }

    private WeightSoup With(WeightSoup? soup, int member)
    {
        using var checkpoint = EnsembleMember.OpenCheckpoint(members[member].Name);
        if (soup is not null)
            return soup.With(checkpoint);
        var first = new WeightSoup(arguments.Averaged);
        first.Add(checkpoint);
        return first;
    }

    private EnsembleMember Model(WeightSoup soup)
    {
        var weights = soup.Weights();
        try
        {
            return members[0].With(FileName, weights);
        }
        finally
        {
            foreach (var tensor in weights.Values)
                tensor.Dispose();
        }
    }

    private IReadOnlyDictionary<string, double> Measure(DataPart part, EnsembleMember model)
    {
        var row = new RowMetrics(FileName, data.Metrics(part), keeps: false);
        data.Go(part, [model], "soup", (sample, outputs) => row.Add(sample, outputs[0].Prediction));
        row.Compute();
        return row.Values;
    }

    private CheckpointInfo Info(IReadOnlyDictionary<string, double> metrics) =>
        members[Chosen[0]].Info with
        {
            Metrics = metrics,
            Epoch = Chosen.Max(m => members[m].Info.Epoch),
            Iteration = Chosen.Max(m => members[m].Info.Iteration),
            Source = $"mean of the weights of {string.Join(", ", Chosen.Select(m => System.IO.Path.GetFileName(members[m].Name)))}",
        };

    private void Tell(int member, FollowedValue followed, IReadOnlyDictionary<string, double> values, string what) =>
        ToolConsole.Current.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"soup: {members[member].Name} {what}, {followed.Name} {values[followed.Name]:0.0000}"
            )
        );
}
