using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Predictions;

/// <summary>Tasks as configs spell them.</summary>
internal static class TaskNames
{
    public static string Of(DataTask task) => ConfigKey.NameOf(task.ToString());

    /// <summary>null: there is no such task.</summary>
    public static DataTask? Find(string name) =>
        Enum.GetValues<DataTask>().Where(task => Of(task) == name).Select(task => (DataTask?)task).FirstOrDefault();
}
