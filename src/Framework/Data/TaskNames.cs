using Tessera.Framework.Configuration;

namespace Tessera.Framework.Data;

/// <summary>Tasks as configs and messages spell them: <c>multi_label</c>.</summary>
public static class TaskNames
{
    /// <summary>The task's name in configs.</summary>
    public static string Of(DataTask task) => ConfigKey.NameOf(task.ToString());

    /// <summary>The task of a name; null where there is none of it.</summary>
    public static DataTask? Find(string name) =>
        Enum.GetValues<DataTask>().Where(task => Of(task) == name).Select(task => (DataTask?)task).FirstOrDefault();
}
