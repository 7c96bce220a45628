/* A shared object, but not a plugin. */
int not_a_plugin(void);

int not_a_plugin(void)
{
	return 0;
}
