using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Tools.Fusion;

namespace Tessera.Tools.Ensembles;

/// <summary>Makes one prediction of the members', by the kind of vote and the task.</summary>
internal sealed class EnsembleVote
{
    private readonly VoteKind _kind;
    private readonly DataInfo _data;
    private readonly double[] _weights;
    private readonly BoxFusionOptions _fusion;

    /// <param name="weights">Of the members; they sum to 1.</param>
    public EnsembleVote(VoteKind kind, DataInfo data, double[] weights, BoxFusionOptions fusion)
    {
        (_kind, _data, _weights, _fusion) = (kind, data, weights, fusion);
        Require(kind, data.Task);
    }

    /// <summary>Says that some members gave masks and others boxes alone, so that only boxes were joined; null where it wasn't
    /// so.</summary>
    public string? MasksLeftOut { get; private set; }

    /// <exception cref="UserErrorException">Members of this task can't vote so.</exception>
    public static void Require(VoteKind kind, DataTask task)
    {
        if (task == DataTask.Panoptic)
            throw new UserErrorException("Panoptic maps can't be voted on: segments of different models are none of each other's.");
        if (kind == VoteKind.Hard && task is (DataTask.Regression or DataTask.Detection))
            throw new UserErrorException(
                $"--vote hard counts votes for classes; {(task == DataTask.Regression ? "values have none" : "boxes are fused instead")}. "
                    + $"Use --vote mean or --vote weighted."
            );
    }

    public Prediction Of(IReadOnlyList<MemberOutput> members)
    {
        switch (members[0].Prediction)
        {
            case ClassPrediction:
                ClassPrediction[] classes = [.. members.Select(member => (ClassPrediction)member.Prediction)];
                return _kind == VoteKind.Hard ? Votes.Hard(classes, _data.Task) : Votes.Mean(classes, _weights);
            case RegressionPrediction:
                return Votes.Mean([.. members.Select(member => (RegressionPrediction)member.Prediction)], _weights);
            case SegmentationPrediction { Map: var map }:
                var (maps, count) = (members.Select(member => member.Map!).ToArray(), _data.Classes.Count);
                if (maps.Any(other => other.Length != maps[0].Length))
                    throw new UserErrorException("The members' maps differ in size, so they can't vote on pixels.");
                var votes = _kind == VoteKind.Hard ? MapVotes.Hard(maps, count) : MapVotes.Mean(maps, _weights);
                var finite = members.All(member => member.Prediction.OutputIsFinite);
                return MemberOutput.MapOf(MapVotes.Labels(votes, count), map.Height, map.Width, count, finite);
            case DetectionPrediction:
                return Fuse([.. members.Select(member => (DetectionPrediction)member.Prediction)]);
            case var other:
                throw new UserErrorException($"Predictions of the kind {other.GetType().Name} can't be joined.");
        }
    }

    private DetectionPrediction Fuse(DetectionPrediction[] members)
    {
        var some = members.Any(member => member.Masks is not null);
        var masks = some && FusedBoxes.HaveMasks(members);
        if (some && !masks)
            MasksLeftOut = "Some of the models give boxes without masks, others masks: boxes alone are joined.";
        var fused = BoxFusion.Fuse([.. members.Select(member => FusedBoxes.Of(member, masks))], _weights, _fusion);
        return FusedBoxes.Prediction(fused, members, masks);
    }
}
