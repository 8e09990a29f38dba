using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Tools.Output;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tools.Ensembles;

/// <summary>A config's data, gone through by several models side by side, image by image.</summary>
internal sealed class EnsembleData : IDisposable
{
    private readonly Dictionary<(DataPart, IReadOnlyList<Transform>), IBatchLoader> _loaders = [];

    public EnsembleData(string config, SessionOptions options) => Session = Session.Open(config, options);

    public Session Session { get; }

    public Dataset this[DataPart part] => Session.Data[part];

    /// <summary>New metrics of a part, empty.</summary>
    public IReadOnlyDictionary<string, Metric> Metrics(DataPart part)
    {
        var metrics = Session.Data.CreateMetrics(part);
        foreach (var metric in metrics.Values)
            metric.Reset(this[part].Info);
        return metrics;
    }

    /// <summary>Shows every image of a part to all members.</summary>
    /// <param name="see">Gets the sample and what each member says of it.</param>
    public void Go(DataPart part, IReadOnlyList<EnsembleMember> members, string what, Action<Sample, IReadOnlyList<MemberOutput>> see)
    {
        using var nothing = no_grad();
        using var log = ToolConsole.Current.ShowLog();
        // Members that see images as the config prepares them share its batches; so do those of one checkpoint's own pipeline.
        var loaders = members.Select(member => Loader(part, member)).Distinct().ToArray();
        var advance = new Advance(what);
        var (done, batches) = (0, loaders[0].Epoch(0).GetEnumerator());
        var others = loaders[1..].Select(loader => loader.Epoch(0).GetEnumerator()).ToArray();
        try
        {
            while (batches.MoveNext())
            {
                using var first = batches.Current;
                var all = new Dictionary<IBatchLoader, Batch> { [loaders[0]] = first };
                foreach (var (i, other) in others.Index())
                    all[loaders[i + 1]] = Next(other, first);
                Show(all, members, part, see);
                foreach (var batch in all.Values)
                    batch.Dispose();
                advance.Report(++done, loaders[0].BatchesPerEpoch);
            }
        }
        finally
        {
            batches.Dispose();
            foreach (var other in others)
                other.Dispose();
        }
        foreach (var (name, reason) in loaders[0].Skipped)
            ToolConsole.Current.Note(SkippedSample.Line(name, reason));
        if (done == 0)
            throw new UserErrorException($"None of the {this[part].Count} samples of {SessionData.NameOf(part)} could be read.");
    }

    public void Dispose()
    {
        foreach (var loader in _loaders.Values)
            loader.Dispose();
        Session.Dispose();
    }

    private void Show(
        Dictionary<IBatchLoader, Batch> batches,
        IReadOnlyList<EnsembleMember> members,
        DataPart part,
        Action<Sample, IReadOnlyList<MemberOutput>> see
    )
    {
        using var scope = NewDisposeScope();
        using var precision = Session.Precision.Enter(Session.Device.type);
        foreach (var group in members.GroupBy(member => Loader(part, member)))
            batches[group.Key].Place(Session.Device, group.First().ChannelsLast);
        var classes = this[part].Info.Classes.Count;
        var outputs = members.Select(member => Outputs(member, batches[Loader(part, member)], classes).GetEnumerator()).ToArray();
        try
        {
            foreach (var sample in batches.First().Value.Samples)
                see(
                    sample,
                    [
                        .. outputs.Select(output =>
                            output.MoveNext() ? output.Current : throw new InvalidOperationException("A model predicted too little.")
                        ),
                    ]
                );
        }
        finally
        {
            foreach (var output in outputs)
                output.Dispose();
        }
    }

    /// <summary>What a member says of the batch's images; maps are made one by one, since they are large.</summary>
    private static IEnumerable<MemberOutput> Outputs(EnsembleMember member, Batch batch, int classes)
    {
        if (!member.Model.Tasks.Contains(DataTask.Segmentation))
        {
            var predictions = ShapeMistake.Guard(member.Model, batch, () => member.Model.Predict(batch));
            foreach (var prediction in predictions)
                yield return new MemberOutput(member.Order?.Translate(prediction) ?? prediction);
            yield break;
        }
        if (member.Model is not IGivesProbabilities maps)
            throw new UserErrorException($"{member.Name}: {member.Model.GetName()} gives no probabilities of pixels, which a vote needs.");
        foreach (var map in maps.Probabilities(batch))
        {
            var (values, height, width) = (map.cpu().Values<float>(), (int)map.shape[1], (int)map.shape[2]);
            map.Dispose();
            yield return MemberOutput.OfMap(Ordered(values, member.Order, height * width), height, width, classes);
        }
    }

    private static float[] Ordered(float[] map, ClassOrder? order, int pixels)
    {
        if (order is null)
            return map;
        var moved = new float[map.Length];
        for (var c = 0; c < order.Places.Count; c++)
            map.AsSpan(c * pixels, pixels).CopyTo(moved.AsSpan(order.Places[c] * pixels));
        return moved;
    }

    private static Batch Next(IEnumerator<Batch> other, Batch first)
    {
        var batch = other.MoveNext() ? other.Current : null;
        if (batch is null || !batch.Samples.Select(sample => sample.Index).SequenceEqual(first.Samples.Select(sample => sample.Index)))
        {
            batch?.Dispose();
            throw new UserErrorException(
                "A sample can be read for some of the members and not for others, so that they can't vote on it. "
                    + "Mend the file, or leave it out."
            );
        }
        return batch;
    }

    private IBatchLoader Loader(DataPart part, EnsembleMember member)
    {
        if (member.Pipeline is not { } own)
            return Session.Data.Loader(part);
        if (!_loaders.TryGetValue((part, own), out var loader))
        {
            var dataset = this[part];
            IReadOnlyList<Transform> pipeline = [.. own, .. dataset.Pipeline.Where(step => step.ReadsTruth)];
            _loaders[(part, own)] = loader = Session.Data.OpenEvaluationLoader(dataset, Session.Data.Evaluation(part).Loader, pipeline);
        }
        return loader;
    }
}
