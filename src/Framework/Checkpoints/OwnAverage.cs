namespace Tessera.Framework.Checkpoints;

/// <summary>The average that a run of ours keeps beside the trained weights.</summary>
internal static class OwnAverage
{
    /// <summary>In a checkpoint of ours, the averaged weights in place of the trained ones.</summary>
    public static void Take(NameMatch match, WeightsFile file, WeightChoice choice)
    {
        match.PassedOver.Clear(); // the run's state, which is no weights
        if (CheckpointParts.AveragedPrefix(file.Tensors.Keys) is not { } average)
            return;
        const string model = CheckpointParts.Model + ".";
        match.Notes.Add(
            CheckpointErrors.OtherWeights(
                $"the run kept averaged weights; the {(choice == WeightChoice.Averaged ? "average is" : "trained ones are")} taken",
                choice
            )
        );
        if (choice == WeightChoice.Trained)
            return;
        foreach (var (own, foreign) in match.Names.ToList())
        {
            var averaged = foreign.StartsWith(model, StringComparison.Ordinal) ? average + foreign[model.Length..] : foreign;
            if (file.Tensors.ContainsKey(averaged))
                match.Names[own] = averaged;
        }
    }
}
